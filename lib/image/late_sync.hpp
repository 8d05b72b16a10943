// Waiting for the disk after the answer: what a pull has written counts in this boot at once, and for good as soon
// as a syncfs has been done by a process that nobody waits for.
//
//   unsynced/<random>   which boot, then the records that are to lose their boot id, a line each
#pragma once

#include <string>
#include <vector>

namespace davit::image {

// Notes that these records ("images/<hex>.json") of the store at root hold this boot's id. Before they are written:
// whatever of them is left after a power cut, the note is there too (its bytes may not be).
void note_unsynced(const std::string& root, const std::string& boot, const std::vector<std::string>& records);

// Whether a boot before this one ended with such notes.
bool is_unsynced_from_before(const std::string& root, const std::string& boot);
void forget_notes_from_before(const std::string& root, const std::string& boot);

// Those that are noted in this boot, and whatever is noted meanwhile. Blocks for the disk.
void finish_late_syncs(const std::string& root);

} // namespace davit::image
