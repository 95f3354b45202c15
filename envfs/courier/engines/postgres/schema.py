"""The tables of a vault in PostgreSQL, and the roles: members add and read, and the server refuses them all else.

Laws: the same statements can be run again at any time. A record's key, author and bytes never change, but that the
administrator may empty the bytes. The author is the role that signed in, and nobody can say another one.
"""

import re
from typing import Final

from envfs.core import limits
from envfs.errors import BadRequest

SCHEMA: Final = "envfs"
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,40}", re.ASCII)
_ROLE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}", re.ASCII)

_TABLES: Final = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.record (
  key text COLLATE "C" PRIMARY KEY CHECK (octet_length(key) <= {key_bytes}),
  body bytea NOT NULL CHECK (octet_length(body) <= {record_bytes}),
  author name NOT NULL DEFAULT session_user,
  stream text COLLATE "C" GENERATED ALWAYS AS (
    CASE WHEN strpos(key, '/') > 0 THEN regexp_replace(key, '/[^/]*$', '') END) STORED,
  number bigint GENERATED ALWAYS AS (substring(key from '/@([0-9]{{8,18}})[.][a-z]+$')::bigint) STORED
);
ALTER TABLE {schema}.record ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS record_stream ON {schema}.record (stream, number) WHERE number IS NOT NULL;
"""
_TRIGGERS: Final = """
CREATE OR REPLACE FUNCTION {schema}.channel_of(stream text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog AS $$
  SELECT '{schema}.' || left(encode(sha256(convert_to(
    CASE WHEN stream LIKE 'tombstone/%' THEN split_part(stream, '/', 3)
         WHEN split_part(stream, '/', 1) IN ('level', 'key', 'audit') THEN split_part(stream, '/', 2)
         ELSE '' END, 'UTF8')), 'hex'), 16)
$$;
CREATE OR REPLACE FUNCTION {schema}.announce() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM pg_notify('{schema}', coalesce(NEW.stream, ''));
  PERFORM pg_notify({schema}.channel_of(NEW.stream), coalesce(NEW.stream, ''));
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.key = OLD.key AND NEW.author = OLD.author AND octet_length(NEW.body) = 0 THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a record stays as it is' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER announce AFTER INSERT ON {schema}.record FOR EACH ROW EXECUTE FUNCTION {schema}.announce();
CREATE OR REPLACE TRIGGER stays BEFORE UPDATE OR DELETE ON {schema}.record
  FOR EACH ROW EXECUTE FUNCTION {schema}.refuse();
CREATE OR REPLACE TRIGGER stays_whole BEFORE TRUNCATE ON {schema}.record
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
"""
_GRANTS: Final = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{schema}_member') THEN
    CREATE ROLE {schema}_member NOLOGIN;
  END IF;
END $$;
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
REVOKE ALL ON {schema}.record FROM PUBLIC, {schema}_member;
GRANT USAGE ON SCHEMA {schema} TO {schema}_member;
GRANT SELECT, INSERT (key, body) ON {schema}.record TO {schema}_member;
"""
_MEMBER: Final = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
    CREATE ROLE "{role}" LOGIN;
  END IF;
END $$;
GRANT {schema}_member TO "{role}";
"""
_KEY_BYTES: Final = 2000  # the deepest level's, with room


def schema_name(name: str) -> str:
    """Return the name of a schema, if it is one that needs no quotes.

    Raises:
        BadRequest: it is not
    """
    if not _SCHEMA_NAME.fullmatch(name):
        raise BadRequest("not a schema's name", "lower-case letters, digits and _, at most 41")
    return name


def vault_statements(schema: str) -> str:
    """Return the statements that make a vault's place in a database."""
    names = {"schema": schema_name(schema), "key_bytes": _KEY_BYTES, "record_bytes": limits.RECORD_BYTES}
    return "".join(part.format(**names) for part in (_TABLES, _TRIGGERS, _GRANTS))


def member_statements(schema: str, role: str) -> str:
    """Return the statements that admit a member, who signs in by a certificate with this name.

    Raises:
        BadRequest: not a name of a role
    """
    if not _ROLE_NAME.fullmatch(role):
        raise BadRequest("not a member's name", "letters, digits, _ . @ and -, at most 63")
    return _MEMBER.format(schema=schema_name(schema), role=role)
