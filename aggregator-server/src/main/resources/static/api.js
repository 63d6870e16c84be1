// REST. Cookies carry the session; a change proves itself with the CSRF cookie's value.

/** An answer that is a problem (RFC 9457), or none at all (status 0). */
export class Problem extends Error {
  constructor({ status, title, detail, remedy, traceId, errors, path }) {
    super(detail ?? title);
    Object.assign(this, { status, title, detail, remedy, traceId, errors: errors ?? [], path });
  }
}

let ahead = 0;

/** The aggregator's time: the browser's clock corrected by what the last answer said. */
export const now = () => Date.now() + ahead;

function learnTime(response) {
  const told = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isFinite(told) && Math.abs(told - Date.now()) > 2000) ahead = told - Date.now();
}

const REMEDIES = {
  0: 'Check that the aggregator runs and that this machine reaches it, then try again.',
  401: 'Sign in again.',
  403: 'Ask an administrator for a role that allows this.',
  404: 'Check the address, or choose from the lists above.',
  429: 'Wait, then try again.',
};

async function problemOf(response, path) {
  const told = await response.json().catch(() => ({}));
  return new Problem({
    status: response.status,
    title: told.title ?? `The aggregator answered ${response.status}`,
    detail: told.detail,
    remedy: told.remedy ?? REMEDIES[response.status] ?? 'Try again; if it stays, give the trace to whoever runs the aggregator.',
    traceId: told.traceId ?? response.headers.get('Trace-Id'),
    errors: told.errors,
    path,
  });
}

const csrf = () => decodeURIComponent(/(?:^|; )XSRF-TOKEN=([^;]*)/.exec(document.cookie)?.[1] ?? '');

async function call(method, path, body) {
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-XSRF-TOKEN'] = csrf();
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'same-origin', cache: 'no-store',
    });
  } catch {
    throw new Problem({
      status: 0, path,
      title: 'The aggregator did not answer',
      detail: 'Nothing came back over the network. Rounds go on without this page.',
      remedy: REMEDIES[0],
    });
  }
  learnTime(response);
  if (!response.ok) {
    const problem = await problemOf(response, path);
    if (problem.status === 401 && path !== '/session') dispatchEvent(new CustomEvent('comity:signed-out'));
    throw problem;
  }
  return response.status === 204 ? null : response.json();
}

export const get = (path) => call('GET', path);
export const post = (path, body) => call('POST', path, body);
export const remove = (path) => call('DELETE', path);
