// What every live part of a page uses: fetching a page, and saying something.
export async function get(url, options) {
  const response = await fetch(url, { redirect: "error", ...options });
  if (!response.ok) throw new Error(response.status);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

export function announce(news, href) {
  document.getElementById("said").textContent = news;
  if (href === undefined) return;
  const toast = Object.assign(document.createElement(href ? "a" : "p"), { className: "toast", textContent: news });
  if (href) toast.href = href;
  document.getElementById("toasts").append(toast);
  const away = () => (toast.matches(":hover, :focus") ? setTimeout(away, 2000) : toast.remove());
  setTimeout(away, 6000);
}
