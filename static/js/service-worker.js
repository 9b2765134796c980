// Runs beside the pages: shows the offline page, and notifications that the server pushes.
// config/http/web_app.py puts the constant OFFLINE_FILES before this text.
const CACHE = "offline";

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keepFiles());
});
async function keepFiles() {
  const cache = await caches.open(CACHE);
  await cache.addAll(OFFLINE_FILES.map((file) => new Request(file, { cache: "reload" })));
  for (const { url } of await cache.keys())
    if (!OFFLINE_FILES.includes(new URL(url).pathname)) await cache.delete(url);
}
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  // Everything else, such as films and live events, is left to the browser.
  if (request.mode === "navigate")
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE_FILES[0])));
  else if (OFFLINE_FILES.includes(pathname))
    event.respondWith(fetch(request).catch(() => caches.match(request)));
});

self.addEventListener("push", (event) => {
  if (!event.data) return;
  const { title, body, url, tag, lang } = event.data.json();
  const shown = { body, tag, lang, data: { url }, icon: "/apple-touch-icon.png", renotify: true };
  event.waitUntil(self.registration.showNotification(title, shown));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openPage(event.notification.data.url));
});
// A tab that shows this page already comes to the front.
async function openPage(address) {
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const found = tabs.find((tab) => tab.url === new URL(address, self.location).href);
  return found ? found.focus() : self.clients.openWindow(address);
}
