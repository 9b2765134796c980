// What every live part of a page uses: fetching a page, saying something, and whether to notify.
export async function get(url, options) {
  const response = await fetch(url, { redirect: "error", ...options });
  if (!response.ok) throw new Error(response.status);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

export function announce(news, href) {
  document.getElementById("said").textContent = news;
  if (href === undefined) return;
  const toast = Object.assign(document.createElement(href ? "a" : "p"), {
    className: "toast",
    textContent: news,
  });
  if (href) toast.href = href;
  document.getElementById("toasts").append(toast);
  const away = () => (toast.matches(":hover, :focus") ? setTimeout(away, 2000) : toast.remove());
  setTimeout(away, 6000);
}

// ---- notifications, for whoever asks for them ----
const notify = document.getElementById("notify");
const denied = () => globalThis.Notification?.permission === "denied";
export const wanted = () =>
  localStorage.notify === "on" && globalThis.Notification?.permission === "granted";
// The service worker notifies while no page is open; without it the open pages do.
async function push(allowed) {
  if (!navigator.serviceWorker || !globalThis.PushManager) return;
  const { subscribe, unsubscribe } = await import("./push.js");
  await (allowed ? subscribe() : unsubscribe()).catch(() => {});
}
function showNotify() {
  notify.hidden = !globalThis.Notification || denied();
  notify.ariaPressed = wanted();
  document.getElementById("notify-denied")?.toggleAttribute("hidden", !denied());
}
if (notify) {
  showNotify();
  notify.addEventListener("click", async () => {
    const allowed = !wanted() && (await Notification.requestPermission()) === "granted";
    localStorage.notify = allowed ? "on" : "off";
    showNotify();
    await push(allowed);
  });
}
