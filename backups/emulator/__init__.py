"""A stand-in for DCS: the demo and the tests share it.

api.py       the WSGI app; read this first
gateway.py   who is let in: signatures, clocks, locked keys
service.py   what DCS itself answers: the four calls
faults.py    what goes wrong on request
server.py    all of it on a real socket, and the faults over HTTP too
http.py      requests, answers, the shapes of errors
fleet.py     which projects, instances (inventory.py) and backups (records.py) there are:
             catalog.py (tables of instances), histories.py and oddities.py (their backups),
             contract.py (what the public contract names)
"""
