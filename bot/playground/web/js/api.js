// The page's HTTP calls, made as one person, and their failures as sentences that a person can read.
// Knows nothing of what the calls mean.
const CALL_TIMEOUT_MS = 15_000;
const UPLOAD_TIMEOUT_MS = 120_000;

export class ApiError extends Error {
  constructor(sentence, { status = 0, code = 0 } = {}) {
    super(sentence);
    this.status = status;
    this.code = code;
  }
}

/** Discord nests field errors under their names; this finds them all, each as "field: message". */
function fieldErrors(errors, path = []) {
  if (!errors || typeof errors !== "object") return [];
  return Object.entries(errors).flatMap(([key, value]) =>
    key === "_errors"
      ? value.map((error) => (path.length ? `${path.join(".")}: ${error.message}` : error.message))
      : fieldErrors(value, [...path, key]),
  );
}

const asSentence = (text) => (/[.?!…]$/.test(text) ? text : `${text}.`);

async function failureOf(response) {
  const body = await response.json().catch(() => null);
  if (!body?.message)
    return new ApiError(`The playground answered with status ${response.status}.`, { status: response.status });
  const details = fieldErrors(body.errors);
  const sentence = [body.message, ...details].map(asSentence).join(" ");
  return new ApiError(sentence, { status: response.status, code: body.code });
}

function multipart(json, files) {
  const form = new FormData();
  const attachments = files.map((file, index) => ({ id: index, filename: file.name }));
  form.append("payload_json", JSON.stringify({ attachments, ...json }));
  files.forEach((file, index) => form.append(`files[${index}]`, file, file.name));
  return form;
}

export class Api {
  #userId;

  constructor(userId) {
    this.#userId = userId;
  }

  get(path) {
    return this.#call("GET", path);
  }

  post(path, json = {}, files = []) {
    return this.#call("POST", path, json, files);
  }

  patch(path, json) {
    return this.#call("PATCH", path, json);
  }

  put(path) {
    return this.#call("PUT", path);
  }

  delete(path) {
    return this.#call("DELETE", path);
  }

  async #call(method, path, json, files = []) {
    const headers = this.#userId ? { "X-Play-User": this.#userId } : {};
    let body;
    if (files.length) {
      body = multipart(json, files);
    } else if (json !== undefined) {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(json);
    }
    const signal = AbortSignal.timeout(files.length ? UPLOAD_TIMEOUT_MS : CALL_TIMEOUT_MS);
    let response;
    try {
      response = await fetch(`/play${path}`, { method, headers, body, signal });
    } catch {
      throw new ApiError("The playground does not answer. Check that it is still running, then try again.");
    }
    if (!response.ok) throw await failureOf(response);
    return response.status === 204 ? null : response.json();
  }
}
