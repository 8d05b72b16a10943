#include "rootfs/copy.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "rootfs/tree_reader.hpp"
#include "rootfs/tree_writer.hpp"

#include <cerrno>
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <linux/openat2.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>

namespace davit::rootfs {

namespace {

bool means_directory(const std::string& path) {
    return path.ends_with("/") || path == "." || path == ".." || path.ends_with("/.") || path.ends_with("/..");
}
bool means_contents(const std::string& path) {
    return path == "." || path.ends_with("/.") || path.find_first_not_of('/') == std::string::npos;
}

std::string without_end_slashes(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

std::string parent_of(const std::string& path) {
    const std::string clean = without_end_slashes(path);
    const std::size_t slash = clean.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash ? clean.substr(0, slash) : "/";
}

std::string last_of(const std::string& path) {
    const std::string clean = without_end_slashes(path);
    return clean.substr(clean.rfind('/') + 1);
}

UniqueFd open_directory(const Place& place, const std::string& path, int flags) {
    return sys::open_at2(place.root, path, static_cast<std::uint64_t>(flags | O_DIRECTORY | O_CLOEXEC), 0,
                         place.resolve | RESOLVE_NO_MAGICLINKS);
}

// The entry itself, not what a link points to; nothing: it is not there.
std::optional<struct stat> entry_at(const Place& place, const std::string& path) {
    try {
        const UniqueFd fd =
            sys::open_at2(place.root, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, place.resolve | RESOLVE_NO_MAGICLINKS);
        struct stat st {};
        if (::fstat(fd.get(), &st) < 0) throw sys_error(errno, "looking at {}", path);
        return st;
    } catch (const Error& e) {
        if (e.os().value() == ENOENT || e.os().value() == ENOTDIR) return std::nullopt;
        throw;
    }
}

// In a sticky directory that everybody may write, such as /tmp, the kernel does not follow the links of
// others (proc(5), protected_symlinks); neither is a link's text read then.
void check_followed(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!fd && errno == EACCES) throw sys_error(errno, "following the link {}", path);
}

// The path with the links at its end resolved, up to what is no link or is not there.
std::string resolved(const Place& place, std::string path) {
    for (int links = 0; links < 40; ++links) {
        const auto st = entry_at(place, without_end_slashes(path));
        if (!st || !S_ISLNK(st->st_mode)) return path;
        if (place.host) check_followed(path);
        const std::string parent = parent_of(path);
        const UniqueFd directory = open_directory(place, parent, O_PATH);
        std::string target(PATH_MAX, '\0');
        const ssize_t n = ::readlinkat(directory.get(), last_of(path).c_str(), target.data(), target.size());
        if (n < 0) throw sys_error(errno, "reading the link {}", path);
        target.resize(static_cast<std::size_t>(n));
        path = target.starts_with("/") ? target : parent + "/" + target;
    }
    throw error(Errc::failed, "too many symbolic links at {}", path);
}

// As docker has it: its client looks at files of this machine, its engine at those of containers.
Error not_there(const Place& place, const std::string& path) {
    if (place.host)
        return error(Errc::usage, "lstat {}: no such file or directory", std::filesystem::absolute(path).string());
    return error(Errc::not_found, "Could not find the file {}{}", path,
                 place.of.empty() ? "" : " in container " + place.of);
}

bool is_below_file(const Place& place, const std::string& path) {
    const std::string parent = parent_of(path);
    const auto st = parent == path ? std::nullopt : entry_at(place, parent);
    return st && !S_ISDIR(st->st_mode) && !S_ISLNK(st->st_mode);
}

struct Source {
    UniqueFd directory;
    std::string name; // in directory; "." for the directory itself
    std::string as;   // what docker's engine calls the topmost entry of a tar: "." before contents, "/" of all
    bool is_directory = false;
};

Source open_source(const Place& from, bool follow) {
    // A path that ends in a slash means what a link points to.
    const std::string path = follow || means_directory(from.path) ? resolved(from, from.path) : from.path;
    const auto st = entry_at(from, without_end_slashes(path));
    if (!st && !from.host && is_below_file(from, path))
        throw error(Errc::not_found, "lstat {}: not a directory", from.path);
    if (!st) throw not_there(from, from.path);
    Source out;
    out.is_directory = S_ISDIR(st->st_mode);
    if (!out.is_directory && means_directory(from.path))
        throw from.host ? error(Errc::conflict, "{} is not a directory", from.path)
                        : error(Errc::conflict, "lstat {}: not a directory", from.path);
    const bool all = from.path.find_first_not_of('/') == std::string::npos;
    out.as = all ? "/" : means_contents(from.path) ? "." : last_of(follow ? path : from.path);
    const std::string name = last_of(path);
    if (means_contents(path) || name == "..") {
        out.directory = open_directory(from, path, O_RDONLY);
        out.name = ".";
        if (name == "..") out.as = ".";
    } else {
        out.directory = open_directory(from, parent_of(path), O_PATH);
        out.name = name;
    }
    return out;
}

Standing standing_at(const Place& place, const std::string& path) {
    const auto st = entry_at(place, without_end_slashes(path));
    if (!st) return Standing::nothing;
    return S_ISDIR(st->st_mode) ? Standing::directory : Standing::file;
}

void write_source(const Source& source, const std::string& as, archive::TarStream::Sink sink,
                  const std::function<void(const std::string&)>& left_out) {
    archive::TarStream tar(std::move(sink));
    ReadOptions options;
    options.contents_only = as.empty();
    options.left_out = left_out;
    read_tree(source.directory.get(), source.name, as, tar, options);
    tar.finish();
}

// What the reader of a pipe lost interest in is its business: it says why.
void block_sigpipe() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

// On this machine a container's files stay below the directory they are copied to, whatever links
// they bring; in the container they stay in the container.
void write_to(const Place& to, const std::string& directory, archive::ByteSource& tar, const CopyOptions& how) {
    WriteOptions options;
    options.owners = !to.host;
    options.special = how.special || !to.host;
    options.warning = how.warning;
    if (!to.host) {
        options.root = to.root;
        options.resolve = to.resolve;
        options.directory = directory;
        return write_tree(tar, options);
    }
    const UniqueFd below = open_directory(to, directory, O_PATH);
    options.root = below.get();
    options.resolve = RESOLVE_BENEATH;
    options.directory = ".";
    write_tree(tar, options);
}

} // namespace

Place in_container(int root, const std::string& path, const std::string& container) {
    return {root, RESOLVE_IN_ROOT, path.starts_with("/") ? path : "/" + path, false, container};
}

Place on_host(const std::string& path) { return {AT_FDCWD, 0, path, true, {}}; }

Target target_of(const std::string& source, bool source_is_directory, const std::string& destination,
                 Standing standing) {
    if (standing == Standing::directory) return {destination, means_contents(source) ? "" : last_of(source)};
    if (standing == Standing::file) {
        if (means_directory(destination))
            throw error(Errc::usage, "no such directory").with_hint(destination + " is a file");
        if (source_is_directory)
            throw error(Errc::usage, "cannot copy directory").with_hint(destination + " is a file");
    } else if (means_directory(destination) && !source_is_directory) {
        throw error(Errc::usage, "no such directory").with_hint(destination + " is not there");
    }
    return {parent_of(destination), last_of(destination)};
}

// The directory that what is copied goes into has to be there.
static void check_holder(const Place& to, const std::string& directory) {
    const Standing standing = standing_at(to, resolved(to, directory));
    if (standing == Standing::directory) return;
    if (to.host)
        throw error(Errc::usage, "invalid output path: directory \"{}\" does not exist",
                    std::filesystem::absolute(directory).string());
    if (standing == Standing::file)
        throw error(Errc::conflict, "extraction point is not a directory").with_hint(directory + " is a file");
    throw not_there(to, directory);
}

void copy(const Place& from, const Place& to, const CopyOptions& options, const std::stop_token& stop) {
    const Source source = open_source(from, options.follow);
    const std::string destination = resolved(to, to.path);
    const Target target = target_of(from.path, source.is_directory, destination, standing_at(to, destination));
    check_holder(to, target.directory);
    FdPair pipe = sys::pipe();
    std::exception_ptr read_failure;
    std::vector<std::string> left_out; // of the other thread until it is joined
    auto reading = started<std::thread>([&] {
        block_sigpipe();
        try {
            write_source(source, target.name, archive::to_fd(pipe.second.get(), stop),
                         [&](const std::string& text) { left_out.push_back(text); });
        } catch (...) {
            read_failure = std::current_exception();
        }
        pipe.second.reset();
    });
    try {
        archive::StreamSource tar(pipe.first.get(), from.path);
        write_to(to, target.directory, tar, options);
    } catch (...) {
        pipe.first.reset(); // ends the other thread
        reading.join();
        // A tree that could not be read ends the tar early: that is the reason, not its end.
        if (read_failure) try {
                std::rethrow_exception(read_failure);
            } catch (const Error& e) {
                if (e.os().value() != EPIPE) throw;
            }
        throw;
    }
    pipe.first.reset();
    reading.join();
    if (read_failure) std::rethrow_exception(read_failure);
    if (!options.left_out) return;
    for (const std::string& text : left_out) options.left_out(text);
}

void copy_to_tar(const Place& from, const CopyOptions& options, int fd, const std::stop_token& stop) {
    const Source source = open_source(from, options.follow);
    write_source(source, source.as, archive::to_fd(fd, stop), options.left_out);
}

void copy_from_tar(int fd, const Place& to, const std::stop_token& stop) {
    const std::string destination = resolved(to, to.path);
    const Standing standing = standing_at(to, destination);
    if (standing != Standing::directory)
        throw error(Errc::usage, "destination \"{}{}\" must be a directory", to.of.empty() ? "" : to.of + ":", to.path);
    archive::StreamSource tar(fd, "standard input", stop);
    write_to(to, destination, tar, {});
}

} // namespace davit::rootfs
