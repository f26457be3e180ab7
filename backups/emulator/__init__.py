"""A stand-in for DCS: the demo and the tests share it.

api.py       the WSGI app; read this first
gateway.py   who is let in: signatures, clocks, locked keys
service.py   what DCS itself answers: the four calls
faults.py    what goes wrong on request, in process; control.py over HTTP
fleet.py     the data: catalog.py (tables of instances), histories.py and attempts.py (how
             backups come about), contract.py (the two that the contract names), oddities.py
http.py      requests, answers, the shapes of errors; server.py puts them on a real socket
"""
