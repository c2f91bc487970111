#!/usr/bin/env python3
"""Compares the signatures of the Rust functions that PostgreSQL calls with the catalogue: a mismatch corrupts memory.

signatures.py [--self-test] ROOT LIBRARY KEY: the sources under ROOT/src, the symbols of LIBRARY, and pg_proc of the
database that psql connects to, where the program is installed for users with keys of type KEY. Prints what differs;
exits with 1 if anything does. --self-test makes mistakes, one at a time, and prints those that are not noticed.
"""
import json
import pathlib
import re
import subprocess
import sys

# What each Rust type is in SQL. An argument of another type fails: say here what it is.
SQL_TYPES = {
    "&str": "text",
    "AmountResult": "numeric",
    "AnyNumeric": "numeric",
    "Interval": "interval",
    "Document": "jsonb",
    "JsonB": "jsonb",
    "Relation": "regclass",
    "Role": "regrole",
    "SiteAmount": "numeric",
    "String": "text",
    "TimestampWithTimeZone": "timestamp with time zone",
    "Text": "text",
    "Texts": "text[]",
    "Type": "regtype",
    "TypedCode": "text",
    "bool": "boolean",
    "i32": "integer",
    "i64": "bigint",
}

# A function that hands on the rows of a statement compares their types with its columns when it runs.
RELAYED = "Relayed"

CATALOGUE = """
SELECT coalesce(json_agg(json_build_object(
    'name', p.proname, 'wrapper', p.prosrc, 'library', p.probin, 'strict', p.proisstrict, 'set', p.proretset,
    'returns', CASE WHEN p.prokind = 'p' THEN 'void' ELSE format_type(p.prorettype, NULL) END,
    'arguments', ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n) ORDER BY n),
    'names', coalesce((p.proargnames)[1:p.pronargs], '{}'),
    'columns', ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proallargtypes, p.proargmodes) WITH ORDINALITY a (t, m, n)
                     WHERE m <> 'i' ORDER BY n),
    'column_names', ARRAY(SELECT name FROM unnest(p.proargnames, p.proargmodes) WITH ORDINALITY a (name, m, n)
                          WHERE m <> 'i' ORDER BY n)) ORDER BY p.proname), '[]')
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'referral'::regnamespace AND l.lanname = 'c'
"""


def split(text):
    """The parts of a list between commas that no bracket encloses."""
    parts, depth, part = [], 0, ""
    for i, character in enumerate(text):
        if character in "<([":
            depth += 1
        elif character in ")]" or (character == ">" and text[i - 1] != "-"):
            depth -= 1
        if character == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += character
    return [part for part in parts + [part.strip()] if part]


def enclosed(text, start):
    """What the bracket at `start` encloses, and where it ends."""
    depth = 0
    for i in range(start, len(text)):
        if text[i] in "<([":
            depth += 1
        elif text[i] in ")]" or (text[i] == ">" and text[i - 1] != "-"):
            depth -= 1
            if depth == 0:
                return text[start + 1 : i], i + 1
    raise ValueError("a bracket does not end: " + text[start : start + 80])


def plain(type_):
    """A type without lifetimes, paths and spaces of the layout."""
    type_ = re.sub(r"&\s*'\w+\s+", "&", type_.strip())
    type_ = re.sub(r"'\w+\s*,\s*", "", type_)
    return re.sub(r"\b(?:\w+::)+(?=\w)", "", type_)


def is_call(argument):
    """Whether an argument is how the function was called, which is none in SQL."""
    return plain(argument.split(":", 1)[1]) in ("FunctionCallInfo", "Call")


def generic(type_, name):
    """The arguments of the generic type `name`; None where it is another."""
    match = re.fullmatch(rf"{name}\s*<(.*)>", type_, re.DOTALL)
    return split(match.group(1)) if match else None


class Source:
    """The signatures of some Rust sources."""

    FUNCTION = re.compile(
        r"#\[(pg_extern|pg_trigger)\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?fn\s+(\w+)\s*(?:<[^>]*>)?\s*(?=\()"
    )

    def __init__(self, text, key):
        self.key = key
        self.problems = []
        text = re.sub(r"//[^\n]*", "", text)
        self.aliases = {}
        for match in re.finditer(r"\btype\s+(\w+)\s*(?:<([^>]*)>)?\s*=\s*([^;]+);", text):
            self.aliases[match.group(1)] = (split(match.group(2) or ""), match.group(3))
        self.functions = [self.function(text, match) for match in self.FUNCTION.finditer(text)]
        if len(self.functions) != len(re.findall(r"#\[pg_(?:extern|trigger)\b", text)):
            self.problems.append("a #[pg_extern] or #[pg_trigger] is not understood")

    def function(self, text, match):
        kind, name = match.groups()
        inside, end = enclosed(text, match.end())
        returned = re.match(r"\s*(?:->\s*([^{]+?))?\s*(?:where\b[^{]*)?\{", text[end:], re.DOTALL).group(1) or "()"
        declared = {"wrapper": name + "_wrapper", "set": False, "columns": [], "column_names": []}
        if kind == "pg_trigger":
            return declared | {"returns": "trigger", "arguments": [], "names": []}
        declared["arguments"], declared["names"] = [], []
        for argument in split(inside):
            argument_name, type_ = re.fullmatch(r"(?:mut\s+)?(\w+)\s*:\s*(.*)", argument, re.DOTALL).groups()
            if is_call(argument):
                continue
            if type_.startswith("default!"):
                type_ = split(enclosed(type_, type_.index("("))[0])[0]
            option = generic(self.resolve(type_), "Option")
            if option is None:
                self.problems.append(f"{name}: argument {argument_name} is no Option: a null would be misread")
            declared["names"].append(argument_name)
            declared["arguments"].append(self.sql((option or [type_])[0], name))
        return declared | self.returned(returned, name)

    def returned(self, type_, name):
        type_ = self.resolve(type_)
        result = generic(type_, "Result")
        type_ = self.resolve(result[0]) if result else type_
        if type_ == RELAYED:
            return {"returns": "record", "set": True, "columns": None, "column_names": None}
        table, rows = generic(type_, "TableIterator"), generic(type_, "SetOfIterator")
        if rows:
            return {"returns": self.sql(self.optional(rows[0]), name), "set": True}
        if not table:
            return {"returns": "void" if type_ == "()" else self.sql(self.optional(type_), name)}
        columns = split(self.resolve(table[0]).strip().removeprefix("(").removesuffix(")"))
        pairs = [split(enclosed(column, column.index("("))[0]) for column in columns]
        types = [self.sql(self.optional(type_), name) for _, type_ in pairs]
        returns = "record" if len(types) > 1 else types[0]
        return {"returns": returns, "set": True, "columns": types, "column_names": [column for column, _ in pairs]}

    def resolve(self, type_):
        """A type with its aliases replaced by what they stand for."""
        type_ = plain(type_)
        match = re.fullmatch(r"(\w+)\s*(?:<(.*)>)?", type_, re.DOTALL)
        if not match or match.group(1) not in self.aliases:
            return type_
        parameters, stands_for = self.aliases[match.group(1)]
        for parameter, argument in zip(parameters, split(match.group(2) or "")):
            stands_for = re.sub(rf"\b{parameter}\b", argument.replace("\\", r"\\"), stands_for)
        return self.resolve(stands_for)

    def optional(self, type_):
        """What an Option holds: a column or a result may be null."""
        type_ = self.resolve(type_)
        return (generic(type_, "Option") or [type_])[0]

    def sql(self, type_, function):
        type_ = self.resolve(type_)
        if type_ == "KeyArgument":
            return self.key
        if type_ not in SQL_TYPES:
            self.problems.append(f"{function}: what is the Rust type {type_} in SQL?")
        return SQL_TYPES.get(type_, type_)


def differences(text, exported, catalogue, key):
    """What is not as it should be, one line each."""
    source = Source(text, key)
    found = list(source.problems)
    declared = {function["wrapper"]: function for function in source.functions}
    for wrapper in sorted(declared.keys() ^ exported):
        found.append(f"{wrapper} is only in {'the sources' if wrapper in declared else 'the library'}")
    rows = {}
    for row in catalogue:
        rows.setdefault(row["wrapper"], []).append(row)
    for wrapper in sorted(declared.keys() | rows.keys()):
        rust, sql = declared.get(wrapper), rows.get(wrapper, [])
        if rust is None or len(sql) != 1:
            found.append(f"{wrapper}: {'no' if rust is None else 'one'} Rust function, {len(sql)} SQL functions")
            continue
        sql = sql[0]
        if sql["library"] not in ("referral", "$libdir/referral"):
            found.append(f"{sql['name']} is in the library {sql['library']}")
        if sql["strict"]:
            found.append(f"{sql['name']} is STRICT: a null argument would return null without a word")
        for what in ("arguments", "names", "returns", "set", "columns", "column_names"):
            if rust[what] is not None and rust[what] != sql[what]:
                found.append(f"{sql['name']}: {what}: {rust[what]} in Rust, {sql[what]} in SQL")
    return found


def mistakes(text):
    """Copies of the sources with one mistake in a signature each, and what the mistake is."""
    for match in Source.FUNCTION.finditer(text):
        name = match.group(2)
        start, end = match.end(), text.index("{", match.end())
        signature = text[start:end]

        def changed(what, new):
            return f"{name}: {what}", text[:start] + new + text[end:]

        yield f"{name}: not exported", text[: match.start()] + text[match.start() :].replace("#[pg_", "#[", 1)
        for old, new in (("i32", "i64"), ("i64", "i32"), ("bool", "i32"), ("SiteAmount", "i64"), ("KeyArgument", "String")):
            for place in re.finditer(rf"\b{old}\b", signature):
                yield changed(f"{old} as {new}", signature[: place.start()] + new + signature[place.end() :])
        inside, after = enclosed(signature, 0)
        arguments = split(inside)
        for i, argument in enumerate(arguments):
            if is_call(argument) or match.group(1) == "pg_trigger":
                continue
            bare = re.sub(r"Option<(.*)>", r"\1", argument, flags=re.DOTALL)
            for what, new in (("missing", []), ("no Option", [bare]), ("twice", [argument, "more: Option<i32>"])):
                rest = ", ".join(arguments[:i] + new + arguments[i + 1 :])
                yield changed(f"{argument.split(':')[0]} {what}", f"({rest}){signature[after:]}")
        if len(arguments) > 1 and not any(map(is_call, arguments[:2])):
            rest = ", ".join([arguments[1], arguments[0]] + arguments[2:])
            yield changed("two arguments exchanged", f"({rest}){signature[after:]}")


def main():
    self_test = sys.argv[1] == "--self-test"
    root, library, key = sys.argv[2:] if self_test else sys.argv[1:]
    exporting = [path for path in pathlib.Path(root, "src").rglob("*.rs") if "#[pg_" in path.read_text()]
    # The types that these files share are named in the mod.rs beside them.
    shared = [path.with_name("mod.rs") for path in exporting if path.with_name("mod.rs").exists()]
    text = "\n".join(path.read_text() for path in sorted({*exporting, *shared}))
    symbols = pathlib.Path(library).read_bytes()
    exported = {name.decode() for name in re.findall(rb"\0pg_finfo_(\w+_wrapper)(?=\0)", symbols)}
    answer = subprocess.run(["psql", "-XAtqc", CATALOGUE], check=True, capture_output=True, text=True)
    catalogue = json.loads(answer.stdout)
    if not self_test:
        found = differences(text, exported, catalogue, key)
        print(f"{len(catalogue)} functions compared", *found, sep="\n")
        sys.exit(bool(found) or not catalogue)
    assert not differences(text, exported, catalogue, key)
    tried = [(what, bool(differences(copy, exported, catalogue, key))) for what, copy in mistakes(text)]
    for field, value in (("strict", True), ("set", None), ("returns", "oid"), ("arguments", ["oid"]), ("wrapper", "gone")):
        for i, row in enumerate(catalogue):
            copy = catalogue[:i] + [row | {field: value}] + catalogue[i + 1 :]
            tried.append((f"{row['name']} in SQL: {field}", bool(differences(text, exported, copy, key))))
    missed = [what for what, noticed in tried if not noticed]
    print(f"{len(tried)} mistakes made", *[f"not noticed: {what}" for what in missed], sep="\n")
    sys.exit(bool(missed) or len(tried) < 300)


if __name__ == "__main__":
    main()
