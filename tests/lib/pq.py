"""The least of a driver: libpq, which psql itself is made of, through Python's standard library."""

import ctypes

lib = ctypes.CDLL("libpq.so.5")
p, s, i = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
for name, result, *arguments in [
    ("PQconnectdb", p, s),
    ("PQfinish", None, p),
    ("PQstatus", i, p),
    ("PQbackendPID", i, p),
    ("PQtransactionStatus", i, p),
    ("PQerrorMessage", s, p),
    ("PQexecParams", p, p, s, i, p, ctypes.POINTER(s), p, p, i),
    ("PQresultStatus", i, p),
    ("PQresultErrorField", s, p, i),
    ("PQntuples", i, p),
    ("PQnfields", i, p),
    ("PQgetvalue", s, p, i, i),
    ("PQgetisnull", i, p, i, i),
    ("PQclear", None, p),
    ("PQsetNoticeReceiver", p, p, p, p),
]:
    function = getattr(lib, name)
    function.restype, function.argtypes = result, arguments
Receiver = ctypes.CFUNCTYPE(None, p, p)

IN_ERROR = 3  # what PQtransactionStatus says of a transaction that has failed


class Failed(Exception):
    """A statement failed; without a code the connection is lost."""

    def __init__(self, code, message, statement):
        super().__init__(f"{code or 'connection lost'}: {message} in: {statement}")
        self.code = code


class Connection:
    """One session. Values are texts; None is null, and lists are written as arrays."""

    def __init__(self, database, *settings):
        self.database, self.settings, self.warnings = database, settings, []
        self.pointer = None
        self.connect()

    def connect(self):
        if self.pointer:
            lib.PQfinish(self.pointer)
        self.pointer = lib.PQconnectdb(f"dbname={self.database}".encode())
        if lib.PQstatus(self.pointer) != 0:
            raise Failed(None, lib.PQerrorMessage(self.pointer).decode(), "connect")
        self.receiver = Receiver(self.receive)  # kept, or it would be collected
        lib.PQsetNoticeReceiver(self.pointer, ctypes.cast(self.receiver, p), None)
        for setting in self.settings:
            self(setting)
        self.pid = lib.PQbackendPID(self.pointer)

    def receive(self, _, result):
        if lib.PQresultErrorField(result, ord("S")) == b"WARNING":
            self.warnings.append(lib.PQresultErrorField(result, ord("M")).decode())

    def in_error(self):
        return lib.PQtransactionStatus(self.pointer) == IN_ERROR

    def __call__(self, statement, *values):
        """Runs a statement and returns its rows."""
        texts = (s * len(values))(*[None if v is None else text(v).encode() for v in values])
        result = lib.PQexecParams(self.pointer, statement.encode(), len(values), None, texts, None, None, 0)
        try:
            if lib.PQresultStatus(result) not in (0, 1, 2):
                code = lib.PQresultErrorField(result, ord("C")) if lib.PQstatus(self.pointer) == 0 else None
                message = lib.PQresultErrorField(result, ord("M")) or lib.PQerrorMessage(self.pointer)
                context = lib.PQresultErrorField(result, ord("W")) or b""
                raise Failed(code and code.decode(), message.decode(), f"{statement} {context.decode()}")
            value = lambda r, c: None if lib.PQgetisnull(result, r, c) else lib.PQgetvalue(result, r, c).decode()
            return [tuple(value(r, c) for c in range(lib.PQnfields(result))) for r in range(lib.PQntuples(result))]
        finally:
            lib.PQclear(result)

    def one(self, statement, *values):
        """The only value of the only row."""
        ((value,),) = self(statement, *values)
        return value


def text(value):
    if isinstance(value, (list, tuple)):
        return "{" + ",".join("NULL" if v is None else '"' + text(v).replace('"', '\\"') + '"' for v in value) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
