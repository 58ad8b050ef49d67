"""Checks one statement or script with GoogleSQL: its problems, its columns and its analysed trees."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from zetasql.wasi._pb2.zetasql.proto import function_pb2
from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeProto

from sqlcheck.analyzer import Analyzer
from sqlcheck.catalog import Table
from sqlcheck.engine import SqlError
from sqlcheck.language import read_data
from sqlcheck.rules import engine_faults, output_warnings
from sqlcheck.text import Text
from sqlcheck.tree import base, children, kind_of, location, type_of, unwrap, walk
from sqlcheck.types import TypeTextError, parse_type, type_text

# Statements with nothing to analyse.
_CONTROL = frozenset(
    f"ast_{name}_statement_node" for name in ("begin", "commit", "rollback", "break", "continue", "return")
)
_AT = re.compile(r" \[at (\d+):(\d+)\]$")
_STATUS = re.compile(r"^(?:Status: |Code: )*\d+, Message: |^(?:generic::)?[A-Z_]+: ")


@dataclass(frozen=True)
class Problem:
    """A problem, with its line and column (from 1) in the original statement."""

    message: str
    line: int = 1
    column: int = 1
    is_warning: bool = False


@dataclass
class Checked:
    """The result of a check. ``columns``: of the last query, table or view; ``trees``: the analysed trees."""

    problems: list[Problem] = field(default_factory=list)
    columns: dict[str, TypeProto] | None = None
    trees: list[Any] = field(default_factory=list)

    @property
    def errors(self) -> list[Problem]:
        """The problems for which BigQuery refuses the statement."""
        return [one for one in self.problems if not one.is_warning]


class _RefusedError(Exception):
    """An error in the script, at a byte of its text."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


class Checker(Analyzer):
    """Checks statements."""

    def check(self, sql: str) -> Checked:
        """Check one statement or script. Tables that it creates are not kept in the catalog."""
        before = self.catalog
        run = _Run(self, Text(sql))
        try:
            run.script()
        finally:
            self.catalog = before
        return run.found


class _Run:
    """The analysis of one script."""

    def __init__(self, checker: Checker, text: Text) -> None:
        self._checker = checker
        self._text = text
        self.found = Checked()

    def script(self) -> None:
        statements = self._try(0, lambda: self._checker.parse(self._text.text))
        if statements is None:
            return
        if not statements:
            self._add("there is no statement", 0)
        is_late = False
        for statement in statements:
            kind, node = unwrap(statement)
            is_declaration = kind == "ast_variable_declaration_node"
            if is_declaration and is_late:
                self._add("Variable declarations are allowed only at the start of a block or script", location(node)[0])
            is_late = is_late or not is_declaration
            self._statement(statement)

    def _try(self, at: int, action: Callable[[], Any]) -> Any:
        """Run an action. An error becomes a problem, and the result is None."""
        try:
            return action()
        except _RefusedError as refused:
            self._add(refused.message, refused.at)
        except SqlError as error:
            message, place = _plain(error)
            position = self._text.position_of_message(*place) if place else self._text.position(at)
            self.found.problems.append(Problem(message, *position))
        return None

    def _add(self, message: str, at: int, is_warning: bool = False) -> None:
        self.found.problems.append(Problem(message, *self._text.position(at), is_warning))

    def _statement(self, statement: Any) -> None:
        kind, node = unwrap(statement)
        at = location(node)[0]
        self._try(at, lambda: self._judge(kind, node, at))

    def _judge(self, kind: str, node: Any, at: int) -> None:
        if kind in _CONTROL:
            return
        special = _SPECIAL.get(kind)
        if special is not None:
            special(self, node)
        elif base(node, "ASTScriptStatementProto") is not None:
            self._body(node)
        else:
            self._warn_of_aliases(node)
            resume = {"input": self._text.text, "byte_position": at}
            self._resolved(self._checker.analyze(parse_resume_location=resume).resolved_statement, at)

    def _resolved(self, statement: Any, at: int) -> None:
        self.found.trees.append(statement)
        own_functions = frozenset(".".join(one.name_path).lower() for one in self._checker.catalog.functions)
        for message in engine_faults(statement, own_functions):
            self._add(message, at)
        for message in output_warnings(statement):
            self._add(message, at, is_warning=True)
        self._remember(*unwrap(statement))

    def _remember(self, kind: str, node: Any) -> None:
        """Record the columns of a statement, and the tables that it creates for the following ones."""
        columns: dict[str, TypeProto] | None = None
        if kind == "resolved_query_stmt_node":
            self.found.columns = {one.name: one.column.type for one in node.output_column_list}
        elif kind in ("resolved_create_table_as_select_stmt_node", "resolved_create_table_stmt_node"):
            created = base(node, "ResolvedCreateTableStmtBaseProto").column_definition_list
            columns = {one.name: one.type for one in created}
        elif kind in ("resolved_create_view_stmt_node", "resolved_create_materialized_view_stmt_node"):
            created = base(node, "ResolvedCreateViewBaseProto").output_column_list
            columns = {one.name: one.column.type for one in created}
        elif kind == "resolved_create_function_stmt_node":
            function = function_pb2.FunctionProto(group="sql_udf", mode=2 if node.is_aggregate else 1)
            function.name_path.extend(base(node, "ResolvedCreateStatementProto").name_path)
            function.signature.add().CopyFrom(node.signature)
            function.options.SetInParent()
            self._checker.catalog = self._checker.catalog.with_function(function)
        if columns is not None:
            self.found.columns = columns
            name = ".".join(base(node, "ResolvedCreateStatementProto").name_path)
            self._checker.catalog = self._checker.catalog.with_table(name, Table(columns))

    def _warn_of_aliases(self, node: Any) -> None:
        joins = read_data("statements")["aliases_that_are_joins_elsewhere"]
        if not re.search(rf"\b({'|'.join(joins)})\b", self._text.text, re.IGNORECASE):
            return
        for one in walk(node):
            if kind_of(one) == "ASTAliasProto" and not one.identifier.is_quoted:
                name = one.identifier.id_string.upper()
                if name in joins:
                    message = f"{name} is read as a table alias here, not as a kind of join"
                    self._add(message, location(one)[0], is_warning=True)

    # ---- parts of scripts

    def _block(self, node: Any) -> None:
        before = self._checker.catalog
        self._body(node)
        self._checker.catalog = before

    def _body(self, node: Any) -> None:
        """Check every statement and expression in a block, a branch or a loop."""
        for name, child in children(node):
            kind = kind_of(child)
            if kind == "AnyASTStatementProto":
                self._statement(child)
            elif kind == "AnyASTExpressionProto":
                is_condition = name == "condition" and kind_of(node) != "ASTWhenThenClauseProto"
                wanted = parse_type("BOOL") if is_condition else None
                self._try(location(child)[0], partial(self._expression, child, wanted))
            elif kind.startswith("AST") and kind not in ("ASTNodeProto", "ASTLabelProto"):
                self._body(child)

    def _expression(self, node: Any, wanted: TypeProto | None = None) -> TypeProto:
        """The type of an expression. Raises if it does not fit the wanted type."""
        start, end = location(node)
        text = self._text.slice(start, end)
        try:
            kind: TypeProto = type_of(self._checker.analyze(sql_expression=text).resolved_expression)
        except SqlError as error:
            raise _RefusedError(_plain(error)[0], start) from error
        if wanted is not None:
            try:
                self._checker.analyze(target=wanted, sql_statement=f"SELECT {text}")
            except SqlError as error:
                message = f"expression of type {type_text(kind)} cannot be assigned to {type_text(wanted)}"
                raise _RefusedError(f"{message}: {_plain(error)[0]}", start) from error
        return kind

    def _declare(self, node: Any) -> None:
        kind: TypeProto | None = None
        if node.HasField("type"):
            start, end = location(node.type)
            try:
                kind = parse_type(self._text.slice(start, end))
            except TypeTextError as error:
                raise _RefusedError(f"Type not found: {self._text.slice(start, end)}", start) from error
        if node.HasField("default_value"):
            found = self._expression(node.default_value, kind)
            kind = kind or found
        assert kind is not None, "the parser needs a type or a default"
        for name in node.variable_list.identifier_list:
            if self._checker.catalog.variable(name.id_string) is not None:
                raise _RefusedError(f"Variable {name.id_string!r} is declared twice", location(name)[0])
            self._checker.catalog = self._checker.catalog.with_variable(name.id_string, kind)

    def _assign(self, node: Any) -> None:
        kind = self._checker.catalog.variable(node.variable.id_string)
        if kind is None:
            raise _RefusedError(f"Undeclared variable: {node.variable.id_string}", location(node.variable)[0])
        self._expression(node.expression, kind)

    def _for_in(self, node: Any) -> None:
        start, end = location(node.query)
        # Leading blanks keep the positions of errors.
        blanks = re.sub(r"[^\n]", " ", self._text.slice(0, start))
        resolved = self._checker.analyze(sql_statement=blanks + self._text.slice(start, end)).resolved_statement
        self.found.trees.append(resolved)
        row = parse_type("struct<a int64>")
        del row.struct_type.field[:]
        for column in unwrap(resolved)[1].output_column_list:
            row.struct_type.field.add(field_name=column.name).field_type.CopyFrom(column.column.type)
        before = self._checker.catalog
        self._checker.catalog = before.with_variable(node.variable.id_string, row)
        self._body(base(node, "ASTLoopStatementProto"))
        self._checker.catalog = before

    def _execute_immediate(self, node: Any) -> None:
        if node.HasField("using_clause"):
            for argument in node.using_clause.arguments:
                self._expression(argument.expression)
        self._expression(node.sql, parse_type("STRING"))
        kind, literal = unwrap(node.sql)
        texts = [one.string_value for one in walk(literal) if kind_of(one) == "ASTStringLiteralComponentProto"]
        at = location(node)[0]
        if kind != "ast_string_literal_node" or node.HasField("using_clause") or node.HasField("into_clause"):
            self._add("EXECUTE IMMEDIATE: the text of a dynamic statement is not checked", at, is_warning=True)
            return
        for problem in self._checker.check("".join(texts)).problems:
            place = f"in the text of EXECUTE IMMEDIATE at {problem.line}:{problem.column}"
            self._add(f"{place}: {problem.message}", at, problem.is_warning)

    def _call(self, node: Any) -> None:
        name = ".".join(one.id_string for one in node.procedure_name.names)
        if not name.lower().startswith("bq."):
            self._add(f"CALL {name}: the procedure is not checked", location(node)[0], is_warning=True)


_SPECIAL: dict[str, Callable[[_Run, Any], object]] = {
    "ast_variable_declaration_node": _Run._declare,
    "ast_single_assignment_node": _Run._assign,
    "ast_assignment_from_struct_node": lambda run, node: run._expression(node.struct_expression),
    "ast_system_variable_assignment_node": lambda run, node: run._expression(node.expression),
    "ast_for_in_statement_node": _Run._for_in,
    "ast_begin_end_block_node": _Run._block,
    "ast_execute_immediate_statement_node": _Run._execute_immediate,
    "ast_call_statement_node": _Run._call,
}


def _plain(error: SqlError) -> tuple[str, tuple[int, int] | None]:
    """GoogleSQL's message without its status, and the line and column in it."""
    text = str(error).strip()
    found = _AT.search(text)
    message = _STATUS.sub("", _AT.sub("", text))
    return message, (int(found[1]), int(found[2])) if found else None
