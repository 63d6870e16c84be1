-- The aggregator's durable state. Phases are text with a check, so that a reader of the database needs no code book.

create table federation (
  singleton boolean primary key default true check (singleton),
  federation_id text not null,
  epoch bigint not null check (epoch > 0), -- grows when the database is restored from a backup: old sessions are refused
  created_at timestamptz not null
);

create table site (
  site_id text primary key,
  message_key bytea not null check (octet_length(message_key) = 32),
  certificate_serial text not null,
  previous_certificate_serial text, -- stays good until it expires
  certificate_not_after timestamptz not null,
  enrolled_at timestamptz not null,
  state text not null check (state in ('PENDING', 'ACTIVE', 'REVOKED')),
  agent_version text,
  seen_at timestamptz
);
create unique index site_message_key on site (message_key);

create table enrolment (
  nonce bytea primary key, -- burned: a token serves once
  site_id text not null,
  request_digest bytea not null, -- the same request again gets the same answer
  certificate_pem text not null,
  at timestamptz not null
);

create table membership_epoch (
  version bigint primary key,
  digest bytea not null unique,
  document bytea not null,
  signature bytea not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  received_at timestamptz not null
);

create table account (
  username text primary key,
  password_hash text not null,
  role text not null check (role in ('ADMIN', 'RESEARCHER', 'VIEWER')),
  created_at timestamptz not null
);

create table api_token (
  id uuid primary key,
  name text not null,
  token_hash bytea not null unique, -- SHA-256 of 256 random bits
  role text not null check (role in ('ADMIN', 'RESEARCHER', 'VIEWER')),
  created_by text not null references account (username),
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz
);

create table idempotency_key (
  username text not null,
  key text not null,
  request_digest bytea not null,
  run_id uuid not null,
  at timestamptz not null,
  primary key (username, key)
);

create table study (
  name text primary key,
  purpose text not null,
  legal_basis text,
  data_contract jsonb not null,
  data_contract_digest bytea not null,
  created_at timestamptz not null
);

create table run (
  id uuid primary key,
  name text not null unique,
  study text not null references study (name),
  kind text not null check (kind in ('TRAIN', 'EVALUATE', 'STATISTICS', 'PERSONALIZE')),
  submission jsonb not null, -- as the researcher sent it, defaults filled in
  submitted_by text not null,
  submitted_at timestamptz not null,
  rounds_planned integer not null check (rounds_planned > 0),
  state text not null check (state in ('RUNNING', 'COMPLETED', 'ABANDONED', 'CANCELLED')),
  reason text,
  ended_at timestamptz,
  committed_rounds integer not null default 0,
  abandoned_in_a_row integer not null default 0,
  template bytea not null, -- the plan of round 1; every later plan differs from it in its base, number and kind alone
  revision bigint not null default 0, -- last journal revision; assigned under this row's lock
  model_version bytea -- digest of the newest ModelVersion document
);

create table round (
  id bigint generated always as identity primary key,
  run_id uuid not null references run (id),
  number integer not null check (number > 0), -- counts every opened round of the run, committed or not
  kind text not null check (kind in ('TRAIN', 'EVALUATE', 'STATISTICS', 'PERSONALIZE')),
  phase text not null check (phase in ('RECRUITING', 'TRAINING', 'AGGREGATING', 'COMMITTED', 'ABANDONED')),
  reason text,
  plan bytea not null, -- the exact bytes; the digest below is theirs
  plan_digest bytea not null unique,
  terms_digest bytea not null,
  opened_at timestamptz not null,
  silence_deadline timestamptz, -- live: progress extends it, never beyond hard_deadline
  hard_deadline timestamptz not null,
  ended_at timestamptz,
  sum_digest bytea,
  transcript_digest bytea,
  model_version bytea, -- digest of the ModelVersion document that the round wrote; null for an evaluation
  metrics jsonb, -- sums over all sites, decoded from the aggregate; never of one site
  norms jsonb, -- per layer: norm of the aggregate, drift, cosine to the previous one
  unique (run_id, number)
);
create index round_live on round (phase) where phase in ('RECRUITING', 'TRAINING', 'AGGREGATING');

create table round_site (
  round_id bigint not null references round (id),
  site_id text not null references site (site_id),
  phase text not null check (phase in ('INVITED', 'REFUSED', 'TRAINING', 'PAUSED', 'READY', 'IN_SESSION', 'SUMMED',
    'DROPPED', 'IN_DOUBT', 'LATE', 'UNUSED', 'LOST')),
  partial boolean not null default false,
  permitted boolean not null default false,
  tenths smallint not null default 0 check (tenths between 0 and 10),
  reason text,
  expected_at timestamptz,
  digest bytea, -- of the masked vector, never of the update
  changed_at timestamptz not null,
  stored boolean not null default false, -- the site holds a finished update for this round
  end_handled boolean not null default false, -- the site said that it dealt with the end of this round
  primary key (round_id, site_id)
);

create table aggregation_session (
  id bytea primary key check (octet_length(id) = 32), -- SHA-256 of the descriptor
  round_id bigint not null references round (id),
  attempt integer not null,
  phase text not null check (phase in ('ADVERTISING_KEYS', 'SHARING_KEYS', 'COLLECTING', 'VOTING', 'RELEASING', 'UNMASKING',
    'ABORTING', 'DONE', 'ABORTED')),
  reason text,
  descriptor bytea not null,
  descriptor_signature bytea not null,
  opened_at timestamptz not null,
  deadline timestamptz, -- live; null once votes are asked for
  hard_deadline timestamptz,
  ended_at timestamptz,
  certificate bytea, -- COMMIT or ABORT
  certificate_kind text check (certificate_kind in ('COMMIT', 'ABORT')),
  unique (round_id, attempt)
);
create index aggregation_session_live on aggregation_session (phase) where phase not in ('DONE', 'ABORTED');

create table session_site (
  session_id bytea not null references aggregation_session (id),
  site_id text not null references site (site_id),
  phase text, -- of the last message accepted from it
  upload_bytes bigint not null default 0,
  upload_digest bytea, -- of the complete spooled masked vector
  answered_at timestamptz,
  end_handled boolean not null default false, -- the site said that it settled its lock
  primary key (session_id, site_id)
);

-- Events in the order in which the pure state machine saw them; folding them over the descriptor gives the state.
create table session_message (
  session_id bytea not null references aggregation_session (id),
  sequence integer not null,
  kind text not null check (kind in ('MESSAGE', 'MASKED_INPUT_STORED', 'DEADLINE', 'CANCELLED', 'REVOKED')),
  site_id text,
  phase text,
  body bytea,
  signature bytea,
  at timestamptz not null,
  primary key (session_id, sequence)
);

create table journal (
  run_id uuid not null references run (id),
  revision bigint not null,
  at timestamptz not null,
  kind text not null check (kind in ('RUN', 'ROUND', 'SITE', 'SESSION', 'MODEL')),
  round_id bigint references round (id),
  session_id bytea,
  site_id text,
  event text not null,
  from_state text,
  to_state text,
  sentence text not null,
  primary key (run_id, revision)
);

create table audit_leaf (
  leaf_index bigint primary key,
  kind text not null,
  digest bytea not null,
  at timestamptz not null
);
