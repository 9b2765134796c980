// "Try it": shows a call as a command while it is put together, sends it, and shows the answer.
const form = document.getElementById("try");
const prices = JSON.parse(document.getElementById("try-prices").textContent);
const answer = document.getElementById("try-answer");
const HEADERS = [
  "content-type",
  "x-request-id",
  "ratelimit-limit",
  "ratelimit-remaining",
  "ratelimit-reset",
  "retry-after",
  "idempotent-replayed",
];
const value = (name) => form.elements[name].value;
const price = () => prices[value("model")]?.[value("size")]?.[value("seconds")];
// One key for one order: a second click orders nothing again, and a change is a new order.
let orderKey = crypto.randomUUID();

function fill(select, words, preferred) {
  const before = preferred ?? select.value;
  select.replaceChildren(...words.map((word) => new Option(word, word)));
  if (words.includes(before)) select.value = before;
}

function choices() {
  const video = { model: value("model"), size: value("size"), seconds: Number(value("seconds")) };
  if (value("call") === "quote") return video;
  const agreed = price() ? { expected_credits: price() } : {};
  return { prompt: value("prompt"), ...video, ...agreed };
}

// A call with a body is a POST.
function call() {
  switch (value("call")) {
    case "models":
      return { path: "/api/models" };
    case "status":
      return { path: `/api/videos/${encodeURIComponent(value("id").trim())}` };
    case "quote":
      return { path: "/api/videos/quote", body: choices() };
    default:
      return { path: "/api/videos", body: choices(), key: orderKey };
  }
}

function command({ path, body, key }) {
  const lines = [`curl ${form.dataset.base}${path}`, '-H "Authorization: Bearer $KEY"'];
  if (key) lines.push(`-H "Idempotency-Key: ${key}"`);
  if (body) {
    lines.push('-H "Content-Type: application/json"');
    lines.push(`-d '${JSON.stringify(body).replaceAll("'", String.raw`'\''`)}'`);
  }
  return lines.join(" \\\n  ");
}

function show(id, text) {
  document.querySelector(`#${id} code`).textContent = text;
}

function update() {
  fill(form.elements.size, Object.keys(prices[value("model")]));
  fill(form.elements.seconds, Object.keys(prices[value("model")][value("size")]));
  for (const part of form.querySelectorAll("[data-of]")) {
    part.hidden = !part.dataset.of.split(",").includes(value("call"));
    for (const field of part.querySelectorAll("input, select, textarea"))
      field.disabled = part.hidden;
  }
  const cost = form.querySelector("[data-cost]");
  if (cost) cost.textContent = price() ?? "";
  show("try-command", command(call()));
}

async function send({ path, body, key }) {
  if (!body) return fetch(path, { redirect: "error" });
  const headers = {
    "X-CSRFToken": value("csrfmiddlewaretoken"),
    "Content-Type": "application/json",
    ...(key ? { "Idempotency-Key": key } : {}),
  };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body), redirect: "error" });
}

function describe(status, className, time, headers, body) {
  const badge = document.getElementById("try-status");
  badge.textContent = status;
  badge.className = `badge ${className}`;
  document.getElementById("try-time").textContent = time;
  show("try-headers", headers);
  show("try-body", body);
  answer.hidden = false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? form.querySelector("button[type=submit]");
  button.disabled = true;
  const asked = call();
  const start = performance.now();
  try {
    const response = await send(asked);
    const text = await response.text();
    const took = `${Math.round(performance.now() - start)} ms`;
    const found = HEADERS.filter((name) => response.headers.has(name));
    const lines = found.map((name) => `${name}: ${response.headers.get(name)}`);
    let body = text;
    try {
      const json = JSON.parse(text);
      body = JSON.stringify(json, null, 2);
      if (response.ok && asked.key) form.elements.id.value = json.id;
    } catch {
      // an answer that is no JSON is shown as it is
    }
    describe(
      response.status,
      response.ok ? "badge--good" : "badge--bad",
      took,
      lines.join("\n"),
      body,
    );
  } catch {
    describe(answer.dataset.lost, "badge--bad", "", "", "");
  }
  button.disabled = false;
});
form.addEventListener("input", () => {
  orderKey = crypto.randomUUID();
  update();
});
fill(form.elements.model, Object.keys(prices), form.dataset.model);
update();
