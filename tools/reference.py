#!/usr/bin/env python3
"""Writes docs/reference.md to the standard output, from what there is: the catalogue of the database that psql connects
to, the statuses in core/src, the errors in src/error.rs, and the examples in docs/examples.sql.

The database is one where the extension is created and nothing more. tools/reference makes one and calls this.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The enums of the core that a caller meets first.
FIRST = ["Status", "SpendStatus", "LineKind", "FeedKind", "CompletionState", "SpendState", "SourceKind"]
AUDIENCES = {
    "owner": ("For the owner", "The owner of the users table, or a superuser, sets the program up and keeps it. The owner may "
              "grant these functions to others; PUBLIC may execute nothing."),
    "app": ("For the application", "`grant_app(role)` lets the role of an application call these, and nothing else. "
            "`install` creates them in the type of the users' key."),
    "support": ("For support and the owner", "These are about one user. `grant_support(role)` lets a role of support call some "
                "of them, as stated with each."),
}
SET_UP = """
DO $$ BEGIN
    CREATE DOMAIN user_key AS bigint;
    CREATE ROLE the_application; CREATE ROLE support; CREATE ROLE reports;
    PERFORM referral.install(key_type => 'user_key');
    PERFORM referral.grant_app('the_application'), referral.grant_support('support'), referral.grant_reports('reports');
END $$;
"""
FUNCTIONS = """
SELECT json_object_agg(p.proname, json_build_object(
    'procedure', p.prokind = 'p', 'arguments', pg_get_function_arguments(p.oid), 'result', pg_get_function_result(p.oid),
    'comment', obj_description(p.oid, 'pg_proc'),
    'roles', ARRAY(SELECT replace(r, '_', ' ') FROM unnest('{the_application,support,reports}'::text[]) r
                   WHERE has_function_privilege(r, p.oid, 'EXECUTE'))))
FROM pg_proc p WHERE p.pronamespace = 'referral'::regnamespace AND p.prorettype <> 'trigger'::regtype
"""
RELATIONS = """
SELECT json_object_agg(c.relname, json_build_object(
    'kind', c.relkind, 'comment', obj_description(c.oid, 'pg_class'),
    'columns', (SELECT json_agg(json_build_object(
                    'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'null', NOT a.attnotnull,
                    'default', CASE WHEN a.attidentity <> '' THEN 'numbered' WHEN a.attgenerated <> '' THEN 'computed'
                                    ELSE pg_get_expr(d.adbin, d.adrelid) END,
                    'comment', col_description(c.oid, a.attnum)) ORDER BY a.attnum)
                FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)))
FROM pg_class c WHERE c.relnamespace = 'referral'::regnamespace AND c.relkind IN ('r', 'v')
"""
DOMAINS = """
SELECT json_object_agg(t.typname, obj_description(t.oid, 'pg_type'))
FROM pg_type t WHERE t.typnamespace = 'referral'::regnamespace AND t.typtype = 'd'
"""


def query(sql):
    """The JSON that a query returns. The objects it is about are created before, and go with the transaction."""
    script = f"BEGIN; SET LOCAL client_min_messages = warning; {SET_UP} {sql}; ROLLBACK;"
    command = ["psql", "-XAtq", "--set", "ON_ERROR_STOP=1", "--command", script]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def declared(path, statement):
    """The names of what the SQL files of `path` create, in reading order."""
    files = sorted(ROOT.glob(path)) if "*" in path else [ROOT / path]
    return [name for file in files for name in re.findall(rf"(?m)^{statement} referral\.(\w+)", file.read_text())]


def in_order(directory, statement):
    """The names of what install() creates from sql/`directory`, in the order in which it runs the files."""
    scripts = [path for path in ROOT.glob("src/*/scripts.rs")] or sys.exit("there is no src/*/scripts.rs")
    files = re.findall(rf'include_str!\("[./]*/sql/({directory}/\w+\.sql)"\)', scripts[0].read_text())
    return [name for file in files for name in declared(f"sql/{file}", statement)]


def short(text):
    """SQL without what its reader knows: casts of literals, long names of types, the schema."""
    text = text.replace("timestamp with time zone", "timestamptz").replace("referral.", "")
    return re.sub(r"::[a-z ]+(?:\[\])?", "", text)


def split(text):
    """The parts of a list between commas that no bracket or quote encloses."""
    parts, depth, quoted, part = [], 0, False, ""
    for character in text:
        quoted ^= character == "'"
        depth += (character == "(") - (character == ")")
        if character == "," and not depth and not quoted:
            parts.append(part.strip())
            part = ""
        else:
            part += character
    return [part for part in parts + [part.strip()] if part]


def cell(text):
    """Text as a cell of a table holds it."""
    return (text or "").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def signature(name, function):
    arguments = [argument.removeprefix("IN ") for argument in split(short(function["arguments"]))]
    result = "" if function["procedure"] else " returns " + short(function["result"]).replace("TABLE(", "table (").replace("SETOF", "setof")
    one_line = f"{'CALL ' * function['procedure']}{name}({', '.join(arguments)})"
    if len(one_line + result) <= 110:
        return one_line + result
    lines = [f"{'CALL ' * function['procedure']}{name}("] + [f"    {argument}," for argument in arguments]
    lines[-1] = (lines[-1][:-1] if arguments else lines[-1]) + ")"
    if len(result) <= 110:
        return "\n".join(lines) + "\n" + result.strip()
    columns = split(result[result.index("(") + 1 : -1])
    return "\n".join(lines + ["returns table ("] + [f"    {column}," for column in columns[:-1]] + [f"    {columns[-1]})"])


def statuses():
    """The text enums of the core: their description, and each value with its meaning."""
    found = {}
    for path in sorted(ROOT.glob("core/src/**/*.rs")):
        for block in re.findall(r"(?ms)^text_enum! \{\n(.*?)^\}", path.read_text()):
            for about, name, body in re.findall(r"((?: *///[^\n]*\n)+) *pub enum (\w+) \{\n(.*?)\n    \}", block, re.DOTALL):
                values = re.findall(r'((?: *///[^\n]*\n)+) *\w+ = "(\w+)"', body)
                about = said(about).removesuffix(" The texts are part of the interface.")
                found[name] = (about, [(value, said(meaning)) for meaning, value in values])
    return [found.pop(name) for name in FIRST if name in found] + list(found.values())


def said(comment):
    """The text of a doc comment."""
    return " ".join(line.strip().removeprefix("///").strip() for line in comment.strip().splitlines())


def errors():
    """The table of the errors that src/error.rs declares."""
    return subprocess.run([ROOT / "tools/errors"], check=True, capture_output=True, text=True).stdout.splitlines()


def examples():
    """The examples, by the function that each is of."""
    found = {}
    for block in re.split(r"(?m)^-- (?=\w+$)", (ROOT / "docs/examples.sql").read_text())[1:]:
        name, _, sql = block.partition("\n")
        found[name] = sql.strip()
    return found


def write_functions(out):
    functions, shown = query(FUNCTIONS), examples()
    listed = {audience: declared(f"sql/functions/{audience}.sql", "CREATE (?:FUNCTION|PROCEDURE)") for audience in AUDIENCES}
    names = [name for names in listed.values() for name in names]
    if sorted(names) != sorted(functions):
        sys.exit(f"the files and the catalogue differ: {set(names) ^ set(functions)}")
    if set(names) != set(shown):
        sys.exit(f"docs/examples.sql has an example of each function, and these differ: {set(names) ^ set(shown)}")
    described = " ".join(function["comment"] for function in functions.values())
    for value, _ in [value for _, values in statuses()[:2] for value in values]:
        if value != "unknown_friend" and not re.search(rf"\b{value}\b", described):
            sys.exit(f"no COMMENT of a function names the status {value}")
    for audience, (title, about) in AUDIENCES.items():
        out += [f"## {title}", "", about, ""]
        for name in listed[audience]:
            function = functions[name]
            out += [f"### {name}", "", "```", signature(name, function), "```", ""]
            out += [re.sub(r" (?=Errors?: )", "\n\n", function["comment"]), ""]
            roles = [role for role in function["roles"] if audience != "app" or role != "the application"]
            if roles:
                also = "Also granted to: " if audience == "app" else "Granted to: "
                out += [also + ", ".join(roles) + ".", ""]
            out += ["```sql", shown[name], "```", ""]


def write_relations(out, title, about, names, relations):
    out += [f"## {title}", "", about, ""]
    for name in names:
        relation = relations[name]
        uncommented = [name] * (not relation["comment"]) + [c["name"] for c in relation["columns"] if not c["comment"]]
        if uncommented:
            sys.exit(f"{name}: without COMMENT: {', '.join(uncommented)}")
        out += [f"### {name}", "", relation["comment"], "", "| column | type | meaning |", "|---|---|---|"]
        for column in relation["columns"]:
            type_ = short(column["type"])
            if relation["kind"] == "r":
                type_ += "" if column["null"] else " not null"
                if column["default"]:
                    default = short(column["default"])
                    type_ += f", {default}" if default in ("numbered", "computed") else f" default {default}"
            out.append(f"| `{column['name']}` | {cell(type_)} | {cell(column['comment'])} |")
        out.append("")


def main():
    out = ["# Reference", "",
           "<!-- Written by tools/reference from the catalogue and the sources. Edit the COMMENTs in sql/, the statuses in",
           "core/src, the errors in src/error.rs and the examples in docs/examples.sql, then run tools/reference. -->",
           "<!-- setup: reference.sql -->", "",
           "Every function, view, table, status and error, as `\\df+` and `\\d+` of psql describe them. `user_key` stands for the "
           "type of the users' key, such as bigint, uuid or text. The examples run one after the other on the tables of "
           "[tests/docs/reference.sql](../tests/docs/reference.sql).", ""]
    titles = [title for title, _ in AUDIENCES.values()] + ["Statuses", "Errors", "Views", "Tables", "Types"]
    out += ["Contents: " + ", ".join(f"[{title}](#{title.lower().replace(' ', '-')})" for title in titles), ""]
    write_functions(out)
    out += ["## Statuses", "", "Functions return a status where a request may be refused for a reason that the user can be told.", ""]
    for about, values in statuses():
        out += [about, "", "| value | meaning |", "|---|---|"] + [f"| `{value}` | {cell(meaning)} |" for value, meaning in values] + [""]
    out += ["## Errors", "", "Every error of the extension, by SQLSTATE. Words in braces stand for values. In a program that is "
            "`strict` an error of a purchase reads \"purchase refused by the referral program\" and has the SQLSTATE, DETAIL and "
            "HINT of its cause. The DETAIL of an error gives the values.", ""] + errors() + [""]
    relations = query(RELATIONS)
    views, tables = in_order("views", "CREATE VIEW"), in_order("tables", "CREATE TABLE")
    if sorted(views + tables) != sorted(relations):
        sys.exit(f"the files and the catalogue differ: {set(views + tables) ^ set(relations)}")
    write_relations(out, "Views", "`grant_reports(role)` lets a role read all of them.", views, relations)
    write_relations(out, "Tables", "They belong to the owner; the extension alone writes them, except where a comment says "
                    "otherwise.", tables, relations)
    out += ["## Types", "", "| domain | meaning |", "|---|---|"]
    out += [f"| `{name}` | {cell(about)} |" for name, about in sorted(query(DOMAINS).items())]
    print("\n".join(out))


if __name__ == "__main__":
    main()
