// Machines and images by name or path.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { suggestion } from "../core/nearest.ts";
import { packageRoot } from "../core/root.ts";
import type { ImageFile } from "../machine/image.ts";
import { InputError, type Preset, readPreset } from "../machine/preset.ts";

const presetFolder = () => join(packageRoot(), "src", "machine", "presets");
const imageFolder = () => join(packageRoot(), "workloads", "prebuilt");

function namesIn(folder: string, suffix: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(suffix))
    .map((file) => basename(file, suffix))
    .sort();
}

export function presetNames(): string[] {
  return namesIn(presetFolder(), ".json");
}

export function imageNames(): string[] {
  return namesIn(imageFolder(), ".elf");
}

/** A bundled preset by name, or a JSON file of the user's by path. */
export function loadPreset(machine: string, changes?: ReadonlyMap<string, number>): Preset {
  const bundled = presetNames();
  const read = (name: string): unknown => {
    const file = bundled.includes(name) ? join(presetFolder(), `${name}.json`) : name;
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch {
      const known = `${bundled.join(", ")}${suggestion(name, bundled)}`;
      throw new InputError(`machine ${name}: neither a file nor one of ${known}`);
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new InputError(`${file}: ${(error as Error).message}`);
    }
  };
  try {
    return readPreset(read(machine), read, changes);
  } catch (error) {
    if (!(error instanceof InputError) || error.message.startsWith("machine ")) throw error;
    throw new InputError(`machine ${machine}: ${error.message}`);
  }
}

/** What is expected of a bundled machine, and of any: src/machine/validation/; as it is. */
export function readValidation(name: string): unknown {
  const file = join(packageRoot(), "src", "machine", "validation", `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { rows: [] };
}

/** A bundled image by name, or an ELF file by path. */
export function openImage(image: string | ImageFile): ImageFile {
  return typeof image === "string" ? { name: image, bytes: readImage(image) } : image;
}

function readImage(image: string): Uint8Array {
  const file = imageNames().includes(image) ? join(imageFolder(), `${image}.elf`) : image;
  try {
    return readFileSync(file);
  } catch {
    const names = imageNames();
    const known = `(${names.join(", ") || "none is installed"})${suggestion(image, names)}`;
    throw new InputError(`image ${image}: neither a file nor a bundled image ${known}`);
  }
}
