// Sources of ADD that are elsewhere: URLs and git repositories become directories of this machine.
#pragma once

#include "build/files/copy.hpp"
#include "build/files/http_file.hpp"
#include "build/files/scratch_dir.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace davit::build {

// A git repository as BuildKit reads one: URL#REF:SUBDIR, or URL?ref=…&subdir=…&checksum=…&keep-git-dir=….
struct GitSource {
    std::string url, ref, subdirectory;
    std::string checksum; // the beginning of a commit's, or an annotated tag's, own id
    std::optional<bool> keep_git_dir;
    bool submodules = true;
    bool by_commit = false;    // the checksum is the commit in full, and ref only its name
    bool commit_times = false; // files are as old as the commit
};
// nullopt: it is none. In ADD "github.com/x/y" is a path; as a context it is a repository.
// Throws Error(usage) for what leads out of the repository, or asks for what davit does not know.
std::optional<GitSource> parse_git_source(std::string_view text, bool is_context);

// Whether a source of ADD is no path of the context. Pure.
bool is_remote_source(const std::string& written);

// What a download brought; without a scratch what an earlier one told, and its server says is still so.
struct Downloaded {
    std::unique_ptr<ScratchDir> scratch;
    UniqueFd file;
    HttpFile told;
};

// Files that were fetched before their step, each for the first who takes it. Thread-safe.
class Downloads {
public:
    void put(const std::string& url, Downloaded file);
    std::optional<Downloaded> take(const std::string& url);

private:
    std::mutex mutex_;
    std::map<std::string, Downloaded> files_; // by URL
};

struct FetchOptions {
    std::string scratch; // the caller's directory: what is fetched is below it until the end
    dockerfile::Place place;
    HttpFileOptions http; // stop is that of git too, between two pieces of what comes
    Downloads* early = nullptr;
};

// A tree of a repository, with .git or without, as it is copied: modes by the executable bit, whatever the umask.
struct GitTree {
    ScratchDir scratch;
    UniqueFd root; // of the subdirectory
    std::string commit;
    std::int64_t seconds = 0; // when it was made, since 1970
};
GitTree fetch_git(const GitSource& source, bool keep_git_dir, const std::string& scratch, const HttpFileOptions& http);
// Modes by the executable bit; times, where they are given: seconds since 1970.
void set_tree_meta(int tree, std::optional<std::int64_t> seconds);

// When what ADD names was made: the commit, or the file as its server says, else as what is in it; nullopt: nothing
// tells. Fetches what is not known from before, into options.early. Throws as RemoteSources.
std::optional<std::int64_t> time_of_remote(const std::string& written, const std::string& checksum,
                                           const FetchOptions& options);

// All remote sources of one ADD. CopyOptions::remote asks it; it must live as long. What has not changed since it was
// fetched last (a commit; a URL whose server says so) is known by its key alone until somebody wants the files.
class RemoteSources {
public:
    // Blocks on the network. Throws Error with the instruction's place; where there is a checksum, also for
    // what has another (Errc::failed).
    RemoteSources(const dockerfile::CopyStep& step, const FetchOptions& options);
    RemoteSources(const RemoteSources&) = delete;
    const RemoteFiles* find(const std::string& written) const;

private:
    struct Remote {
        std::unique_ptr<ScratchDir> scratch;
        UniqueFd root;
        RemoteFiles files;
    };
    void look_at_url(const std::string& url, Remote& to);
    static void take_download(const std::string& url, Downloaded got, Remote& to);
    void look_at_repository(const GitSource& source, Remote& to);
    void fetch_repository(const GitSource& source, bool keep, Remote& to) const;
    const dockerfile::CopyStep step_;
    const FetchOptions options_;
    std::map<std::string, Remote> remotes_; // by how they are written
};

} // namespace davit::build
