// The least that a worker can do that passes a request on.
export default {
  fetch: async (request, env) => fetch(env.ORIGIN, { method: "POST", headers: request.headers, body: await request.arrayBuffer() }),
};
