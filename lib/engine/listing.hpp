// What is told of a project's containers, kept in <run>/projects/<p>/listing with the stamps of the files that it was
// made from: records have ten kilobytes each, and a list of hundreds of containers needs few of them. It is only ever
// a copy; what does not fit the files is made anew.
#pragma once

#include "davit/container.hpp"
#include "project/paths.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace davit {

// One file as it was: files of davit's are replaced, not written to.
struct FileStamp {
    std::uint64_t inode = 0; // 0: there is none
    std::int64_t changed_ns = 0;
    std::uint64_t size = 0;
    static FileStamp of(const std::string& path);
    bool operator==(const FileStamp&) const = default;
};

struct ListedContainer {
    FileStamp record, status;
    std::uint64_t pid_start = 0; // of info.pid
    bool hook = false;           // a container of a pre_start hook, which is not told of
    ContainerInfo info;
    bool operator==(const ListedContainer&) const = default;
};

std::string encode(const ListedContainer& container);
// Nothing when the text is not one.
std::optional<ListedContainer> decode_listed(std::string_view text);

class Listing {
public:
    // Reads what is kept; an unreadable or foreign one counts as none.
    Listing(const Roots& roots, const std::string& project);
    // What is kept of it, where both files are as they were.
    std::optional<ListedContainer> find(const std::string& id, const FileStamp& record, const FileStamp& status) const;
    // The next listing; what is not added is forgotten.
    void add(const ListedContainer& container);
    void write() const; // failures do not matter

private:
    std::string file_, text_, next_;
    std::map<std::string_view, std::string_view> kept_; // by id, in text_
};

} // namespace davit
