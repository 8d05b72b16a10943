// What a build is given to read: a directory, a tar, a git repository or a URL, and the Dockerfile in or
// beside it.
#pragma once

#include "build/files/fetch.hpp"
#include "build/files/http_file.hpp"
#include "build/files/scratch_dir.hpp"
#include "build/files/source.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace davit::build {

struct ContextSpec {
    std::string context;                          // a directory or tar file, "-", a URL, a repository
    std::optional<std::string> dockerfile;        // -f: a path (of a context that is here, from the working
                                                  // directory, else inside it), or "-"
    std::optional<std::string> dockerfile_inline; // its text, instead of a file
    bool wants_dockerfile = true;                 // false: --build-context
    bool keep_git_dir = false;                    // BUILDKIT_CONTEXT_KEEP_GIT_DIR
    int stdin_fd = 0;
    std::string scratch; // the caller's directory: what is fetched or unpacked is below it until the end
    // The patterns of an ignore file's text; name is for messages.
    std::function<std::unique_ptr<PathFilter>(const std::string& text, const std::string& name)> read_ignore;
    HttpFileOptions http;
};

class BuildContext {
public:
    BuildContext(BuildContext&&) = default;

    const Source& source() const { return source_; }
    const std::string& dockerfile() const { return dockerfile_; }           // its text
    const std::string& dockerfile_name() const { return dockerfile_name_; } // as messages name it
    // What it is made of, when that is not this machine's: a commit, the digest of a file.
    const std::string& origin() const { return origin_; }
    // When that was made, seconds since 1970: the commit, or the file as its server says, else as what is in it, which
    // is read for that; a stop ends it.
    std::optional<std::int64_t> modified(const std::stop_token& stop) const;
    // A repository's files become as old as the commit; others stay as they are.
    void take_commit_times();

private:
    friend class ContextOpener;
    BuildContext() = default;
    std::unique_ptr<ScratchDir> scratch_; // before what is open in it
    UniqueFd root_;
    UniqueFd file_;       // as it came, where nobody said when it was made
    bool is_git_ = false; // its tree is in scratch_
    std::unique_ptr<PathFilter> filter_;
    Source source_;
    std::string dockerfile_, dockerfile_name_, origin_;
    std::optional<std::int64_t> modified_;
};

// Blocks on the network and on standard input. Throws Error: not_found for a context or Dockerfile that is not
// there, usage for what is neither, or for both on standard input.
BuildContext open_context(const ContextSpec& spec);

} // namespace davit::build
