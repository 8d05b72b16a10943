#include "image/late_sync.hpp"

#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json_read.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <fcntl.h>
#include <map>
#include <optional>
#include <unistd.h>

namespace davit::image {

namespace {

struct Note {
    std::string file, boot;
    std::vector<std::string> records;
};

std::vector<Note> read_notes(const std::string& root) {
    std::vector<Note> out;
    const std::string directory = root + "/unsynced";
    Dir listing(::opendir(directory.c_str()));
    if (!listing) return out;
    while (const dirent* e = ::readdir(listing.get())) {
        if (e->d_name[0] == '.') continue;
        Note note{directory + "/" + e->d_name, "", {}};
        if (note.file.ends_with(".tmp")) continue; // its records are not written yet
        const auto text = read_file_if_exists(note.file);
        if (!text) continue;
        for (std::size_t at = 0, end; (end = text->find('\n', at)) != std::string::npos; at = end + 1) {
            std::string line = text->substr(at, end - at);
            if (note.boot.empty()) note.boot = std::move(line);
            else note.records.push_back(std::move(line));
        }
        out.push_back(std::move(note));
    }
    return out;
}

// The record's bytes without the boot's id; nothing: it holds none, or another's.
std::optional<std::string> lasting(const std::string& text, const std::string& boot) {
    Json json = parse_untrusted(text);
    if (!json.is_object() || text_of(json, "boot") != boot) return std::nullopt;
    json.erase("boot");
    return json.dump(1);
}

void finish(const std::string& root, const std::vector<Note>& notes) {
    std::map<std::string, std::string> before; // what the sync covers
    for (const Note& note : notes)
        for (const std::string& record : note.records)
            if (auto text = read_file_if_exists(root + "/" + record)) before.emplace(record, std::move(*text));
    {
        const UniqueFd fs = sys::open(root, O_RDONLY | O_DIRECTORY);
        if (::syncfs(fs.get()) < 0) throw sys_error(errno, "writing images to the disk");
    }
    const FileLock lock = FileLock::acquire(root + "/lock", FileLock::Mode::shared); // no record is removed meanwhile
    for (const Note& note : notes)
        for (const std::string& record : note.records) {
            const auto known = before.find(record);
            if (known == before.end() || read_file_if_exists(root + "/" + record) != known->second) continue;
            if (const auto text = lasting(known->second, note.boot))
                write_file_atomic(root + "/" + record, *text, 0600, false);
        }
    for (const Note& note : notes) ::unlink(note.file.c_str());
}

} // namespace

void note_unsynced(const std::string& root, const std::string& boot, const std::vector<std::string>& records) {
    sys::make_dirs(root + "/unsynced", 0700);
    std::string text = boot + "\n";
    for (const std::string& record : records) text += record + "\n";
    write_file_atomic(root + "/unsynced/" + sys::random_hex(12), text, 0600, false);
}

bool is_unsynced_from_before(const std::string& root, const std::string& boot) {
    for (const Note& note : read_notes(root))
        if (note.boot != boot) return true;
    return false;
}

void forget_notes_from_before(const std::string& root, const std::string& boot) {
    for (const Note& note : read_notes(root))
        if (note.boot != boot) ::unlink(note.file.c_str());
}

void finish_late_syncs(const std::string& root) {
    // One at a time: whoever comes second finds that the first has done all.
    const FileLock only = FileLock::acquire(root + "/syncing");
    const std::string boot = sys::boot_id();
    for (;;) {
        std::vector<Note> notes = read_notes(root);
        std::erase_if(notes, [&](const Note& note) { return note.boot != boot; });
        if (notes.empty()) return;
        finish(root, notes);
    }
}

} // namespace davit::image
