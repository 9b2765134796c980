// Subscribes this browser to push messages, where the site has a key for them.
const ADDRESS = "/settings/push/";

async function send(fields) {
  const body = new FormData();
  const csrf = document.querySelector("[name=csrfmiddlewaretoken]");
  for (const [name, value] of Object.entries({ ...fields, csrfmiddlewaretoken: csrf.value }))
    body.append(name, value);
  const answer = await fetch(ADDRESS, { method: "POST", body, redirect: "error" });
  if (!answer.ok) throw new Error(await answer.text());
}

export async function subscribe() {
  const answer = await fetch(ADDRESS, { redirect: "error" });
  if (!answer.ok) return;
  const { key } = await answer.json();
  if (!key) return;
  const { pushManager } = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const { endpoint, keys } = (await pushManager.subscribe(options)).toJSON();
  await send({ endpoint, ...keys });
}

export async function unsubscribe() {
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.getSubscription();
  if (!subscription) return;
  await send({ endpoint: subscription.endpoint, off: "1" });
  await subscription.unsubscribe();
}
