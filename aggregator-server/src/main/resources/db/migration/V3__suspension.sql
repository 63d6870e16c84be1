-- A dealer whose shares gave no secret has burned a session. It is in no roster until an administrator lifts that.

create table suspension (
  site_id text not null references site (site_id),
  session_id bytea not null references aggregation_session (id),
  reason text not null,
  at timestamptz not null,
  lifted_at timestamptz,
  lifted_by text,
  lifted_because text,
  primary key (site_id, session_id),
  check ((lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lifted_because is null))
);
create index suspension_standing on suspension (site_id) where lifted_at is null;
