// A container's files: copied in and out, as an archive, as a new image. Works on running and stopped containers.
//
// Every call blocks until all is copied; several threads may call at once. Paths of the container are resolved in its
// own root, whatever links it has there. A stop ends a call between two pieces of its data: what was written stays, a
// commit leaves nothing. Errors besides those each call names: denied (not root), unavailable (it has just ended),
// failed (the disk), interrupted (stop). A warning is one line of text.
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"
#include "davit/image.hpp"

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct CopyOptions {
    bool follow = false;  // a symbolic link at the end of the source's path is followed
    bool special = false; // what comes to this machine keeps device nodes, setuid and setgid bits
    std::function<void(const std::string&)> warning = {};  // of what `special` would have kept
    std::function<void(const std::string&)> left_out = {}; // of what nothing keeps
};

// As `docker cp`: into `to` when it is a directory, else under that name. What goes into a container keeps its owners;
// what comes out belongs to the caller. Errors: not_found, conflict (a directory onto a file, onto a device …).
void copy_from(Engine& engine, const ContainerInfo& container, const std::string& path, const std::string& to,
               const CopyOptions& options = {}, std::stop_token stop = {});
void copy_to(Engine& engine, const ContainerInfo& container, const std::string& from, const std::string& path,
             const CopyOptions& options = {}, std::stop_token stop = {});
// The tree at `path` as a tar to fd ("./x" of a path that ends in "/."), and the entries of the tar that fd gives into
// the directory at `path`.
void read_tar(Engine& engine, const ContainerInfo& container, const std::string& path, int fd,
              const CopyOptions& options = {}, std::stop_token stop = {});
void write_tar(Engine& engine, const ContainerInfo& container, const std::string& path, int fd,
               std::stop_token stop = {});

// The image's files with the container's own changes, without volumes, as a tar to fd.
void export_files(Engine& engine, const ContainerInfo& container, int fd, std::stop_token stop = {});

struct FileChange {
    enum class Kind { changed, added, removed } kind{};
    std::string path; // in the container
};
// What differs from the image, by path.
std::vector<FileChange> changes(Engine& engine, const ContainerInfo& container, std::stop_token stop = {});

struct CommitOptions {
    std::string author, message;
    std::vector<std::string> changes; // Dockerfile instructions: "CMD [\"sh\"]", "ENV A=b"
    std::string name;                 // "shop/web:1"; empty: none
    bool pause = true;                // the service's processes stand still meanwhile
};
// Its changes as one more layer on its image. Errors: usage (a change that is none, a bad name), not_found (the image
// is gone), unsupported (no layer of its own).
image::Image commit(Engine& engine, const ContainerInfo& container, const CommitOptions& options = {},
                    std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop
