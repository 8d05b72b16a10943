// Trees for the tests of what a build copies: made from lines, and told as lines.
#pragma once

#include "base/fd.hpp"
#include "base/sys.hpp"
#include "build/files/copy.hpp"
#include "dockerfile/ignore.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace davit::build::test {

namespace fs = std::filesystem;

inline void put(const std::string& path, const std::string& text, mode_t mode = 0644) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), mode);
}

inline std::string get(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// "d 0755", "f 0644 text", "l -> to", "p 0644", by path; owners where they are not the caller's.
inline std::map<std::string, std::string> tree_of(const std::string& root) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        struct stat st {};
        ::lstat(entry.path().c_str(), &st);
        std::string line;
        const unsigned mode = st.st_mode & 07777;
        if (S_ISDIR(st.st_mode)) line = fmt::format("d {:04o}", mode);
        else if (S_ISREG(st.st_mode)) line = fmt::format("f {:04o} {}", mode, get(entry.path()));
        else if (S_ISLNK(st.st_mode)) line = "l -> " + fs::read_symlink(entry.path()).string();
        else if (S_ISFIFO(st.st_mode)) line = fmt::format("p {:04o}", mode);
        else line = fmt::format("? {:04o}", mode);
        if (st.st_uid != ::geteuid() || st.st_gid != ::getegid()) line += fmt::format(" {}:{}", st.st_uid, st.st_gid);
        out[entry.path().string().substr(root.size() + 1)] = line;
    }
    return out;
}

// An ignore file's patterns, and how often it was asked.
class SomeNames : public PathFilter {
public:
    explicit SomeNames(const std::vector<std::string>& patterns) : list_(patterns) {}
    bool excludes(const std::string& path) const override {
        ++asked;
        return list_.ignored(path);
    }
    bool excludes(const std::string& path, const State& above, State& own) const override {
        ++asked;
        dockerfile::IgnoreList::Matched matched;
        const bool out = list_.ignored(path, {above.patterns}, matched);
        own.patterns = std::move(matched.patterns);
        return out;
    }
    bool reaches_into(const std::string& directory) const override { return list_.may_hold_taken(directory); }
    mutable int asked = 0;

private:
    dockerfile::IgnoreList list_;
};

// A source and a destination, with short words for steps.
struct Ground {
    davit::test::TempDir from, to;
    UniqueFd source_root{::open(from.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    UniqueFd root{::open(to.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    const PathFilter* filter = nullptr;
    bool context = true;
    HashCache* hashes = nullptr;

    Source source() const { return {source_root.get(), filter, context}; }
    CopyOptions options() const {
        CopyOptions out;
        out.place = {"Dockerfile", 3, 3, 1};
        out.hashes = hashes;
        out.make_filter = [](const std::vector<std::string>& patterns) {
            return std::make_unique<SomeNames>(patterns);
        };
        return out;
    }
    static dockerfile::CopyStep step(std::vector<std::string> sources, const std::string& destination) {
        dockerfile::CopyStep out;
        out.sources = std::move(sources);
        out.destination = destination;
        return out;
    }
    // What is copied must have the key that was told before.
    CopyResult copy(const dockerfile::CopyStep& step) const {
        const std::string before = content_digest(source(), step, options());
        CopyResult out = build::copy(source(), step, root.get(), options());
        if (out.digest != before) throw std::runtime_error("the digest of what was copied is another");
        return out;
    }
    CopyResult copy(std::vector<std::string> sources, const std::string& destination) const {
        return copy(step(std::move(sources), destination));
    }
    std::map<std::string, std::string> tree() const { return tree_of(to.path()); }
    std::string key(std::vector<std::string> sources) const {
        return content_digest(source(), step(std::move(sources), "/x/"), options());
    }
};

using Tree = std::map<std::string, std::string>;

} // namespace davit::build::test
