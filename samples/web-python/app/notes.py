"""Notes in a file, one line of JSON each."""
import json
import os


class Notes:
    def __init__(self, directory):
        self.path = os.path.join(directory, "notes.jsonl")

    def add(self, text):
        if not text.strip():
            raise ValueError("a note needs a text")
        with open(self.path, "a", encoding="utf-8") as f:
            f.write(json.dumps({"text": text.strip()}) + "\n")

    def all(self):
        if not os.path.exists(self.path):
            return []
        with open(self.path, encoding="utf-8") as f:
            return [json.loads(line) for line in f]
