-- The audit log: leaves in a strict order, signed heads, the sites' countersignatures. Nothing in it is ever changed.

create table audit_log (
  singleton boolean primary key default true check (singleton),
  size bigint not null check (size >= 0) -- whoever appends holds this row locked until commit: the order has no gap
);
insert into audit_log (size) select count(*) from audit_leaf;

alter table audit_leaf
  add column entry bytea not null, -- the exact bytes; the leaf's digest is SHA-256(0x00 || entry)
  add column subject bytea not null check (octet_length(subject) = 32), -- by what the entry is found
  add column run_id uuid references run (id),
  add constraint audit_leaf_digest unique (digest),
  add constraint audit_leaf_digest_length check (octet_length(digest) = 32),
  add constraint audit_leaf_kind check (kind in ('membership', 'session', 'round', 'run'));
create unique index audit_leaf_subject on audit_leaf (kind, subject);
create index audit_leaf_run on audit_leaf (run_id);

create table audit_head (
  size bigint primary key check (size >= 0), -- one head a size, ever
  document bytea not null,
  signature bytea not null check (octet_length(signature) = 64),
  at timestamptz not null
);

create table audit_countersignature (
  size bigint not null references audit_head (size),
  site_id text not null references site (site_id),
  signature bytea not null check (octet_length(signature) = 64),
  at timestamptz not null,
  primary key (size, site_id)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op;
end;
$$;

create trigger audit_leaf_append_only before update or delete or truncate on audit_leaf
  for each statement execute function refuse_change();
create trigger audit_head_append_only before update or delete or truncate on audit_head
  for each statement execute function refuse_change();
create trigger audit_countersignature_append_only before update or delete or truncate on audit_countersignature
  for each statement execute function refuse_change();
