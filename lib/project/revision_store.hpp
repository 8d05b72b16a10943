// Where revisions stand: <state>/revisions/<owner>. An owner is a project (or whatever else is deployed); its lock is
// held by who writes. A file <n>.revision is two JSON documents: what is listed, on the first line, and the model; it
// is never changed. <n>.failed says why it did not come about. Contents stand once in contents/, by keyed hash.
// Thread-compatible. Nothing is synced: a file that a power failure tore is one that does not exist.
#pragma once

#include "base/file.hpp"
#include "davit/revisions.hpp"
#include "project/paths.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace davit {

inline constexpr int revision_format = 1;
inline constexpr int most_revisions = 100; // in one history

struct RevisionPaths {
    std::string root; // <state>/revisions
    explicit RevisionPaths(const Roots& roots) : root(roots.state + "/revisions") {}
    std::string key() const { return root + "/.key"; }         // of keyed hashes: 0600, never leaves the machine
    std::string lock() const { return root + "/.lock"; }       // while the key is made
    std::string numbers() const { return root + "/.numbers"; } // while one of a stack or service is written
    std::string directory(const std::string& owner) const { return root + "/" + owner; }
};

// DAVIT_REVISIONS. Throws (usage) for what is no number; 0: no history is made.
std::optional<int> revisions_from_environment();
int kept_now(); // the same, or 5
std::vector<std::string> owners_of_revisions(const Roots& roots);

class RevisionStore {
public:
    // Throws when the name cannot be an owner's.
    RevisionStore(const Roots& roots, const std::string& owner);

    const std::string& directory() const { return directory_; }
    std::vector<int> numbers() const; // ascending
    // The last revision's number, readable or not; 0: there is none.
    int last() const;
    std::optional<Revision> head(int number) const; // without model
    std::optional<Revision> read(int number) const;
    std::vector<Revision> heads() const;
    // How many of the last ones are kept whole: DAVIT_REVISIONS, else what the last one was made with.
    int keep() const;
    // Those whose images and contents are kept.
    std::vector<Revision> kept() const;

    // For owners that have no lock of their own, for a moment: around write() and what goes with it. Makes the
    // directory. Hashes are taken before.
    FileLock lock() const;
    void write(const Revision& revision) const;
    bool has_failed(int number) const;
    void fail(int number, const std::string& why) const;
    void unfail(int number) const;
    void remove(int number) const;
    void remove_all() const;

    // The name of a content; the machine's key is made when there is none.
    std::string hash(std::string_view content) const;
    void keep_content(const std::string& hash, std::string_view content) const;
    std::optional<std::string> content(const std::string& hash) const;
    bool has_contents_but(const std::set<std::string>& hashes) const;
    // Removes contents that no kept revision names; their bytes.
    std::uint64_t collect_contents() const;

private:
    std::string file(int number) const { return directory_ + "/" + std::to_string(number) + ".revision"; }
    std::string failure(int number) const { return directory_ + "/" + std::to_string(number) + ".failed"; }
    std::string contents() const { return directory_ + "/contents"; }
    std::string content_file(const std::string& hash) const;

    RevisionPaths paths_;
    std::string directory_;
    mutable std::string key_;
};

} // namespace davit
