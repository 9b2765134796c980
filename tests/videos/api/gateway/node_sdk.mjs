// The official Node SDK of OpenAI: one whole cycle. Arguments: base URL, API key, an image, an MP4's id.
import fs from "node:fs";
import OpenAI, { toFile } from "openai";

const [baseURL, apiKey, image, finished] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const found = {};

async function codeOf(promise) {
  try {
    await promise;
    return "accepted";
  } catch (error) {
    return [error.constructor.name, error.status, error.code, error.param];
  }
}

const stream = await client.videos.create({
  prompt: "A paper boat",
  seconds: "4",
  input_reference: fs.createReadStream(image),
});
const bytes = await toFile(fs.readFileSync(image), "boat.png", { type: "image/png" });
const file = await client.videos.create({ prompt: "A paper boat", input_reference: bytes });
const url = `data:image/png;base64,${fs.readFileSync(image).toString("base64")}`;
const object = await client.videos.create({
  prompt: "A paper boat",
  input_reference: { image_url: url },
});
found.created = [stream, file, object].map((video) => [video.status, video.size, video.seconds]);

found.retrieved = (await client.videos.retrieve(finished)).status;
const content = await client.videos.downloadContent(finished);
let length = 0;
for await (const chunk of content.body) length += chunk.length;
found.content = [content.headers.get("content-type"), length];
const thumbnail = await client.videos.downloadContent(finished, { variant: "thumbnail" });
found.thumbnail = thumbnail.headers.get("content-type");
const remix = await client.videos.remix(finished, { prompt: "At night" });
found.remix = remix.remixed_from_video_id === finished;
const edit = await client.videos.edit({ prompt: "At noon", video: { id: finished } });
found.edit = edit.remixed_from_video_id === finished;
const extension = { prompt: "On and on", seconds: "4", video: { id: finished } };
found.extend = await codeOf(client.videos.extend(extension));
found.listed = 0;
for await (const _ of client.videos.list({ limit: 2 })) found.listed += 1;
found.deleted = (await client.videos.delete(remix.id)).deleted;
found.gone = await codeOf(client.videos.retrieve(remix.id));
found.models = [];
for await (const model of client.models.list()) found.models.push(model.id);
const stranger = new OpenAI({ baseURL, apiKey: "sk-proj-1", maxRetries: 0 });
found.key = await codeOf(stranger.videos.list());
found.wrong = await codeOf(client.videos.create({ prompt: "A boat", seconds: "5" }));
console.log(JSON.stringify(found));
