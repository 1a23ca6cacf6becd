// dynalite as a process: node dynalite.mjs PORT
import dynalite from "dynalite";

dynalite({ createTableMs: 20, deleteTableMs: 20 }).listen(Number(process.argv[2]), "127.0.0.1");
