"""A stand-in for DCS: the demo and the tests share it.

api.py       the WSGI app; read this first
gateway.py   who is let in: signatures, clocks, locked keys
parameters.py, exchange.py   limit, offset, windows; requests, answers, error shapes
faults.py, control.py        what goes wrong on request, in process and over HTTP
fleet.py     the data: catalog.py (tables of instances), histories.py and attempts.py (how
             backups come about), contract.py (the two that the contract names), oddities.py
server.py    on a real socket
"""
