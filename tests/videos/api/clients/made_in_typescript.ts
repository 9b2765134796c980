// Make a video with the types that openapi-typescript made. Arguments: URL, API key.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

const [baseUrl, key] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
const body: components["schemas"]["CreateVideoRequest"] = {
  prompt: "A paper boat",
  model: "sora-2",
  seconds: 4,
};
const ordered = await client.POST("/api/videos", { body });
if (!ordered.data) throw new Error(JSON.stringify(ordered.error));
let video: components["schemas"]["Video"] = ordered.data;
const params = { path: { video_id: video.id } };
while (video.status === "queued" || video.status === "in_progress") {
  await new Promise((resolve) => setTimeout(resolve, 500));
  const asked = await client.GET("/api/videos/{video_id}", { params });
  if (!asked.data) throw new Error(JSON.stringify(asked.error));
  video = asked.data;
}
const content = await client.GET("/api/videos/{video_id}/content", {
  params,
  parseAs: "arrayBuffer",
});
const bytes = new Uint8Array(content.data as ArrayBuffer);
console.log(video.status, new TextDecoder().decode(bytes.slice(4, 8)));
