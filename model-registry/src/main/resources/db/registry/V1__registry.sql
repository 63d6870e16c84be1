-- What the registry knows. Documents and artifacts are named by their SHA-256; the bytes of artifacts lie in files.

create table registry.artifact (
  digest bytea primary key check (octet_length(digest) = 32),
  bytes bigint not null check (bytes >= 0),
  recorded_at timestamptz not null
);

create table registry.model_version (
  digest bytea primary key check (digest = sha256(document)),
  federation_id text not null,
  run_id uuid not null,
  version integer not null check (version >= 0),
  parent bytea references registry.model_version (digest),
  weights bytea not null references registry.artifact (digest),
  optimizer_state bytea not null references registry.artifact (digest),
  layout bytea not null references registry.artifact (digest),
  plan bytea references registry.artifact (digest),
  sum bytea references registry.artifact (digest),
  transcript bytea references registry.artifact (digest),
  document bytea not null, -- the exact bytes; the columns above repeat what they say
  published_at timestamptz not null,
  unique (run_id, version),
  check ((version = 0) = (parent is null)),
  check ((version = 0) = (plan is null) and (plan is null) = (sum is null) and (sum is null) = (transcript is null))
);
create index model_version_parent on registry.model_version (parent);
