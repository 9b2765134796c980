// Live updates: the socket brings facts, the pages bring HTML. Without a socket the cards are polled.
import { reprice } from "./composer.js";
import { announce, get, wanted } from "./page.js";

const line = document.getElementById("live");
const offline = document.getElementById("offline");
const section = document.getElementById("active-videos");
const recent = document.getElementById("recent-videos");
const growing = document.getElementById("growing");
const watch = document.getElementById("watch");
const queue = document.getElementById("queue");
const storyboard = document.getElementById("storyboard");
const title = document.title;
const STATES = {
  queued: ["queued"],
  in_progress: ["rendering", "saving"],
  completed: ["done"],
  failed: ["failed", "blocked", "cancelled"],
};
const IN_PROGRESS = new Set(["queued", "in_progress"]);
const SIGNED_OUT = 4401;
// Videos that are asked for at once, and milliseconds after which a place in the queue is asked for.
const ASKED_AT_ONCE = 5;
const PLACE_AGES = 30000;
let seq = Number(document.body.dataset.seq);
let finished = 0;

const active = () => [...document.querySelectorAll("[data-active]")];
const shownFor = (id) => (watch?.dataset.id === id ? watch : document.getElementById(`v-${id}`));
// Whether the engine has not said how far it is.
const isUnknown = (shown) => !!shown.querySelector("[data-percent][hidden]");
const percentOf = (shown) => Number(shown.querySelector("[data-percent]")?.textContent ?? 0);

function say(state) {
  line.textContent = line.dataset[state];
  line.classList.toggle("connection--lost", state === "off");
}

function move(shown, percent) {
  if (!shown.querySelector("progress")) return;
  shown.querySelector(".sky").style.setProperty("--p", percent);
  shown.querySelector("progress").value = percent;
  shown.querySelector("[data-percent]").textContent = Math.floor(percent);
}

// The time that is left never grows while one looks on.
function keepLess(old, fresh) {
  const [before, after] = [old, fresh].map((shown) => shown.querySelector("[data-eta]"));
  if (Number(after?.dataset.eta) > Number(before?.dataset.eta)) after.replaceWith(before);
}

// Something ended: its number in the title while nobody looks, and a notification when that is wanted.
function ended(shown, isNew) {
  announce(shown.dataset.news, isNew ? shown.dataset.href : undefined);
  if (!document.hidden) return;
  document.title = `(${++finished}) ${shown.dataset.state === "done" ? line.dataset.ready : line.dataset.ended} · ${title}`;
  if (!wanted()) return;
  let note;
  try {
    note = new Notification(document.querySelector(".brand").textContent.trim(), {
      body: shown.dataset.news,
      tag: shown.dataset.id,
    });
  } catch {
    return; // some phones only let a service worker notify
  }
  note.addEventListener("click", () => {
    focus();
    location.assign(shown.dataset.href ?? location.href);
  });
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) [finished, document.title] = [0, title];
});

// Balance and counts, as a fresh copy of this page has them.
let soon;
// A search counts against the user's limit, so its page is fetched less often.
const partsDelay = new URLSearchParams(location.search).get("q") ? 4000 : 300;
export function refreshParts() {
  clearTimeout(soon);
  soon = setTimeout(async () => {
    const fresh = await get(location.href).catch(() => null);
    for (const part of fresh ? document.querySelectorAll("[data-part]") : []) {
      const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (next) swap(part, next);
    }
    if (fresh && section) fillUp(fresh);
    reprice(fresh?.querySelector("[data-balance]")?.dataset.balance);
  }, partsDelay);
}

// The focus stays on the same button or link, if there still is one.
function swap(part, next) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  part.replaceWith(next);
  if (next.dataset.news && next.dataset.news !== part.dataset.news) announce(next.dataset.news);
  const same = (one) => one.isEqualNode(focused);
  if (focused) [...next.querySelectorAll("a, button")].find(same)?.focus();
}

// "In progress" has places for few videos; the page lists those that render first.
const room = () => Number(section.dataset.most) - section.querySelectorAll(".card").length;
function fillUp(fresh) {
  const grid = section.querySelector(".card-grid");
  const listed = [...fresh.querySelectorAll("#active-videos .card")];
  const ids = new Set(listed.map((card) => card.id));
  for (const card of listed) if (!document.getElementById(card.id)) place(card);
  for (const card of [...grid.querySelectorAll("[data-state=queued]")].toReversed())
    if (room() < 0 && !ids.has(card.id) && !refreshing.has(card.dataset.id)) card.remove();
  section.hidden = !grid.children.length;
}
function place(card) {
  const grid = section.querySelector(".card-grid");
  const waiting =
    card.dataset.state === "queued" ? null : grid.querySelector("[data-state=queued]");
  grid.insertBefore(card, waiting);
}

// One request per video at a time; what changes meanwhile asks once more.
const refreshing = new Map();
export async function refresh(id) {
  if (storyboard) return refreshParts(); // its takes are parts of the page
  if (refreshing.has(id)) return refreshing.set(id, true);
  refreshing.set(id, false);
  const old = shownFor(id);
  const before = old?.dataset.state;
  const fresh = await (old && old === watch ? refreshWatch() : refreshCard(id)).catch(() => null);
  const again = refreshing.get(id);
  refreshing.delete(id);
  if (fresh && fresh.dataset.state !== before) {
    refreshParts();
    if (!("active" in fresh.dataset)) ended(fresh, !old);
  }
  if (again) refresh(id);
}

async function refreshCard(id) {
  const fresh = (await get(`/v/${id}/card/`)).querySelector(".card");
  const old = shownFor(id);
  if (old) {
    fresh.toggleAttribute("data-fresh", fresh.dataset.state === "done");
    move(fresh, Math.max(percentOf(old), percentOf(fresh))); // what is shown may be newer
    keepLess(old, fresh);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const checkbox = old.querySelector(".card__checkbox"); // what is selected stays selected
    if (checkbox) fresh.querySelector(".card__body").before(checkbox);
    if (section?.contains(old) && !("active" in fresh.dataset)) moveOn(old, fresh);
    else old.replaceWith(fresh);
    if (focused)
      (
        [...fresh.querySelectorAll("a, button, input")].find((one) => one.isEqualNode(focused)) ??
        fresh.querySelector(".card__title a")
      ).focus();
  } else if ((section || growing) && "active" in fresh.dataset) {
    document.getElementById("empty")?.remove();
    (section ?? growing).hidden = false;
    if (section) place(fresh);
    else growing.querySelector(".card-grid").prepend(fresh);
  }
  fresh.fetchedAt = Date.now();
  return fresh;
}

// What has ended leaves "In progress".
function moveOn(old, fresh) {
  old.remove();
  recent.hidden = false;
  recent.querySelector(".card-grid").prepend(fresh);
  section.hidden = !section.querySelector(".card");
}

// The tree of versions, when one of them was made or ended elsewhere.
let branching;
function refreshLineage() {
  clearTimeout(branching);
  branching = setTimeout(async () => {
    const fresh = (await get(location.href).catch(() => null))?.getElementById("lineage");
    const old = document.getElementById("lineage");
    if (fresh && old) old.replaceWith(fresh);
    else if (fresh) watch.querySelector(".video-page__details").append(fresh);
  }, 300);
}

async function refreshWatch() {
  const fresh = (await get(location.href)).getElementById("watch");
  keepLess(watch, fresh);
  for (const part of [".video-head", "#stage", ".video-page__details", ".video-page__aside"]) {
    const old = watch.querySelector(part);
    if (
      !old.querySelector("video, input:focus, :popover-open") &&
      !old.querySelector("textarea")?.value
    )
      // WebKit does not play a film that was parsed outside of the page, hence the copy.
      old.replaceWith(document.importNode(fresh.querySelector(part), true));
  }
  watch.dataset.state = fresh.dataset.state;
  watch.toggleAttribute("data-active", "active" in fresh.dataset);
  watch.fetchedAt = Date.now();
  return fresh;
}

// ---- listening ----
// A form that was sent brings its own next page, with its own news.
let leaving = false;
document.addEventListener("submit", (event) =>
  setTimeout(() => {
    leaving ||= !event.defaultPrevented;
  }),
);

const gone = new Set();
function update(id, updates, isNew) {
  const shown = shownFor(id);
  if (updates.status !== "deleted" && gone.delete(id)) return refreshParts(); // undone, which is no news
  if (updates.status === "deleted") {
    gone.add(id);
    if (shown && shown === watch && !leaving) location.assign("/library/");
    shown?.remove();
    return refreshParts();
  }
  if (queue) return isNew ? refreshParts() : undefined;
  if (watch && shown !== watch && isNew) refreshLineage();
  const unseen = !shown && !section && !growing;
  if (unseen && updates.status === "in_progress") return;
  if (!shown && section && IN_PROGRESS.has(updates.status) && room() <= 0) {
    const waits = updates.status === "queued" || section.querySelector("[data-state=queued]");
    return isNew && waits ? refreshParts() : undefined;
  }
  if (!STATES[updates.status]?.includes(shown?.dataset.state)) return refresh(id);
  if (!("active" in shown.dataset)) return;
  const ahead = updates.progress > percentOf(shown);
  if (ahead && isUnknown(shown)) return refresh(id);
  if (ahead) move(shown, updates.progress);
  // The words beside the number age; news without progress is another step.
  if ((isNew && !ahead) || Date.now() - (shown.fetchedAt ??= Date.now()) > 10000) refresh(id);
}

// News are numbered without a gap. After a gap, and after a break, the server is asked for what
// changed since the last number before it; `seq` only moves on once nothing before it is missing.
let heard = seq;
let catching = false;
function catchUp(after) {
  catching = true;
  socket.send(JSON.stringify({ type: "resume", after }));
}
function hear(message) {
  const isNew = message.seq > seq;
  const next = message.seq <= seq + 1;
  heard = message.seq;
  if (next && !catching) seq = Math.max(seq, message.seq);
  else if (!catching) catchUp(seq);
  update(message.video_id, message.updates, isNew);
}
function caughtUp(message) {
  if (!message.complete) return catchUp(heard); // the last of the block that has just come
  seq = Math.max(seq, heard);
  catching = false;
}

let socket;
let opened = false;
let failures = 0;
let again;
function listen() {
  clearTimeout(again);
  socket = new WebSocket(
    `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/videos/`,
  );
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "connect") {
      [opened, failures, offline.hidden] = [true, 0, true];
      say("on");
      catchUp(seq);
    } else if (message.type === "video_update") {
      hear(message);
    } else if (message.type === "resumed") {
      caughtUp(message);
    }
  });
  socket.addEventListener("close", (event) => {
    if (event.target !== socket) return;
    if (opened && event.code === SIGNED_OUT) return location.reload();
    failures += 1;
    if (!opened && failures >= 2) return poll();
    say("off");
    offline.hidden &&= failures < 2;
    wait(Math.min(1000 * 2 ** (failures - 1), 15000) * (0.75 + Math.random() / 2));
  });
}

// Counts down to the next try; the button does not wait.
function wait(pause) {
  const words = offline.querySelector("[data-wait]");
  words.textContent = words.dataset.wait.replace("%s", Math.ceil(pause / 1000));
  again = setTimeout(() => (pause > 1000 ? wait(pause - 1000) : listen()), Math.min(pause, 1000));
}
offline.querySelector("button").addEventListener("click", listen);
addEventListener("offline", () => {
  offline.hidden = false;
});
addEventListener("online", () =>
  socket.readyState === WebSocket.OPEN ? (offline.hidden = true) : polling.hidden && listen(),
);

const polling = document.getElementById("polling");
function poll() {
  say("poll");
  polling.hidden = false;
  setInterval(
    () => (queue ? refreshParts() : inTurn(active()).forEach(({ dataset }) => refresh(dataset.id))),
    5000,
  );
}

// A few of many, others each time.
let turn = 0;
function inTurn(many) {
  const few = Math.min(many.length, ASKED_AT_ONCE);
  return Array.from({ length: few }, () => many[turn++ % many.length]);
}

const isWaiting = (shown) => shown.dataset.state === "queued";
// Somebody is looking: have the engine asked a little more often for what it renders. That a video
// has left the queue is pushed; only its place there has to be asked for.
setInterval(() => {
  if (document.hidden || socket.readyState !== WebSocket.OPEN) return;
  const rendering = active().filter((shown) => !isWaiting(shown));
  for (const shown of inTurn(rendering))
    socket.send(JSON.stringify({ type: "request_video_status", video_id: shown.dataset.id }));
  const old = Date.now() - PLACE_AGES;
  const isOld = (shown) =>
    (isWaiting(shown) || isUnknown(shown)) && (shown.fetchedAt ??= Date.now()) < old;
  const aged = active().find((shown) => isOld(shown));
  if (aged) refresh(aged.dataset.id);
}, 3000);

// Other people's orders move the places of these.
if (queue) setInterval(() => document.hidden || refreshParts(), PLACE_AGES);

addEventListener("animationend", (event) =>
  event.target.closest("[data-fresh]")?.removeAttribute("data-fresh"),
);
addEventListener("pagehide", () => socket.close());
addEventListener("pageshow", (event) => event.persisted && location.reload());
listen();
