// The least that a worker can do that reads a body, and tells what Turnout tells in headers and a body as long.
const headers = new Headers({
  "content-type": "application/json",
  "x-invoked-variant": "cnn",
  "x-amzn-invoked-production-variant": "cnn",
  "x-assignment-reason": "weighted",
  "x-endpoint-revision": "75ad70e0c8b3",
});
const answer = JSON.stringify({ predictions: [{ label: 3, probabilities: Array.from({ length: 10 }, (_, i) => i / 45) }] });

export default {
  async fetch(request) {
    await request.bytes();
    const response = new Response(answer, { headers });
    response.headers.set("x-amzn-sagemaker-inference-id", "0123456789abcdef0123456789abcdef");
    return response;
  },
};
