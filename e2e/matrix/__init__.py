"""The authorisation matrix: every operation of every service, called by everybody in a fixed cast.

`service` knows the operations and writes calls, `cast` who calls, `world` what they call on, `rows` with what input,
`verdict` reads what comes of it, and `sheet` is the table that is compared with the one in `expected/`.
"""
