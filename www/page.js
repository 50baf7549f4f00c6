// Shows the endpoints that this worker serves. Texts go in as texts: names come from a document that someone wrote.

const place = document.querySelector("#endpoints");

const element = (tag, ...children) => {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
};

const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.001 ? 3 : 1)}\u00a0%`;

function card(endpoint) {
  const rows = (endpoint.variants ?? []).map((variant) => {
    const bar = element("meter");
    bar.max = 1;
    bar.value = variant.share;
    const backend = variant.backend.kind === "model" ? variant.backend.key : variant.backend.origin;
    return element("tr", element("th", variant.name), element("td", bar), element("td", percent(variant.share)), element("td", backend));
  });
  const command = `curl -i ${location.origin}/endpoints/${endpoint.name}`;
  const parts = [element("h2", endpoint.name)];
  if (endpoint.problem) {
    const problem = element("p", endpoint.problem.message);
    problem.className = "problem";
    parts.push(problem);
  }
  if (rows.length) parts.push(element("table", element("tbody", ...rows)));
  if (endpoint.revision) parts.push(element("p", "Revision ", element("code", endpoint.revision)));
  return element("section", ...parts, element("pre", command));
}

try {
  const response = await fetch("/endpoints");
  const body = await response.json();
  if (!response.ok) throw new Error(`${body.message}. ${body.fix}`);
  place.replaceChildren(...body.endpoints.map(card));
  if (body.endpoints.length === 0) place.textContent = "There are none yet: put a document into the ENDPOINTS namespace.";
} catch (error) {
  place.textContent = `The endpoints could not be read: ${error.message}`;
}
