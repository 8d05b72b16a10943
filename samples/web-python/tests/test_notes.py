import tempfile
import unittest

from app.notes import Notes


class NotesTest(unittest.TestCase):
    def test_what_was_added_is_listed(self):
        with tempfile.TemporaryDirectory() as directory:
            notes = Notes(directory)
            self.assertEqual([], notes.all())
            notes.add(" milk\n")
            self.assertEqual([{"text": "milk"}], Notes(directory).all())

    def test_a_note_needs_a_text(self):
        with tempfile.TemporaryDirectory() as directory:
            with self.assertRaises(ValueError):
                Notes(directory).add("  ")
