// Creates passkeys and signs in with them. A form names what to do in data-passkey: create or get.
// Its options stand in the page, or at the address in data-options.
const KIND = globalThis.PublicKeyCredential;
const known = KIND?.parseRequestOptionsFromJSON && KIND?.parseCreationOptionsFromJSON;

async function optionsOf(form) {
  if (!form.dataset.options)
    return JSON.parse(document.getElementById("passkey-options").textContent);
  const headers = { "X-Requested-With": "XMLHttpRequest" };
  const answer = await fetch(form.dataset.options, { headers, redirect: "error" });
  if (!answer.ok) throw new Error(answer.status);
  return (await answer.json()).request_options;
}

async function create({ publicKey }) {
  // The key itself has to know whom it is of, and to check that it is them.
  publicKey.authenticatorSelection = {
    ...publicKey.authenticatorSelection,
    residentKey: "required",
    requireResidentKey: true,
    userVerification: "required",
  };
  return navigator.credentials.create({ publicKey: KIND.parseCreationOptionsFromJSON(publicKey) });
}

function get({ publicKey }) {
  return navigator.credentials.get({ publicKey: KIND.parseRequestOptionsFromJSON(publicKey) });
}

async function ask(form) {
  const problem = form.querySelector("[data-problem]");
  problem.hidden = true;
  try {
    const options = await optionsOf(form);
    const credential = await (form.dataset.passkey === "create" ? create(options) : get(options));
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch {
    problem.hidden = false; // the person cancelled, or there is no passkey for this site
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (known) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    });
  }
}
