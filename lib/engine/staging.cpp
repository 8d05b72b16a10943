#include "engine/staging.hpp"

#include "archive/fill_volume.hpp"
#include "archive/rootfs_view.hpp"
#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "container/docker_socket.hpp"
#include "engine/step_files.hpp"
#include "rootfs/container_root.hpp"
#include "rootfs/tree_writer.hpp"
#include "runtime/oci/document.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace davit {

namespace {

void own(int fd, const std::string& path, mode_t mode, uid_t uid, gid_t gid) {
    if (::fchown(fd, uid, gid) < 0) throw sys_error(errno, "giving {} to {}:{}", path, uid, gid);
    if (::fchmod(fd, mode & 07777) < 0) throw sys_error(errno, "setting the mode of {}", path);
}

// Not atomic, not synced: nobody sees staging/<id> before it is renamed.
UniqueFd put(const std::string& path, std::string_view bytes) {
    UniqueFd fd = sys::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    sys::write_all(fd.get(), bytes);
    return fd;
}

std::vector<std::string> volume_names(const BuiltContainer& container) {
    std::vector<std::string> names;
    for (const auto& volume : container.volumes) names.push_back(volume.name);
    return names;
}

// A fresh volume takes what Docker's init layer has in /etc, too: mounted read-only it could not get these mount
// points.
void add_etc_files(int etc) {
    for (const char* name : {"hosts", "hostname", "resolv.conf"}) {
        UniqueFd file(::openat(etc, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!file && errno != EEXIST) throw sys_error(errno, "making {}", name);
        if (file) ::fchmod(file.get(), 0644); // open's mode went through the umask
    }
    if (::symlinkat("/proc/mounts", etc, "mtab") < 0 && errno != EEXIST) throw make_sys_error(errno, "making mtab");
}

} // namespace

Stager::~Stager() {
    for (const auto& staged : staged_) {
        const std::string directory = paths_.staging(staged.id);
        if (!exists(directory)) continue;
        try {
            sys::remove_tree(directory);
            sys::remove_tree(paths_.run_container(staged.id));
            for (const auto& volume : staged.volumes) store_.remove_volume(volume);
        } catch (const Error&) {
            // `system doctor` finds what could not be removed.
        }
    }
}

std::vector<std::vector<std::string>> Stager::stage(std::vector<BuiltContainer>& containers) {
    constexpr std::size_t worth_a_thread = 4, most_threads = 4;
    std::vector<std::vector<std::string>> warnings(containers.size());
    // Those that fill a volume from their image take turns: others may use the same one.
    for (std::size_t i = 0; i < containers.size(); ++i)
        if (!containers[i].copy_ups.empty()) warnings[i] = stage(containers[i]);
    std::atomic<std::size_t> next = 0;
    std::exception_ptr failure;
    auto work = [&] {
        for (std::size_t i; (i = next++) < containers.size();) {
            if (!containers[i].copy_ups.empty()) continue;
            try {
                warnings[i] = stage(containers[i]);
            } catch (...) {
                const std::lock_guard hold(mutex_);
                if (!failure) failure = std::current_exception();
                next = containers.size();
            }
        }
    };
    const std::size_t wanted =
        std::min({containers.size() / worth_a_thread, std::size_t{std::thread::hardware_concurrency()}, most_threads});
    std::vector<std::jthread> threads;
    add_workers(threads, wanted, work);
    work();
    threads.clear(); // joins
    if (failure) std::rethrow_exception(failure);
    return warnings;
}

std::vector<std::string> Stager::stage(BuiltContainer& container) {
    std::vector<std::string> warnings = container.warnings;
    bind_sources(container);
    Staged staged{container.record.id, volume_names(container)};
    {
        const std::lock_guard hold(mutex_);
        staged_.push_back(std::move(staged));
    }
    const std::string directory = paths_.staging(container.record.id);
    sys::make_dirs(directory, 0700);
    if (!container.volumes.empty())
        put(paths_.fresh_volumes(container.record.id), fmt::format("{}\n", fmt::join(volume_names(container), "\n")));
    own_layer(container, directory);
    volumes(container);
    files(container, directory);
    secrets(container);
    auto readable = [&](const char* name, const std::string& text) {
        own(put(directory + name, text).get(), directory + name, 0644, 0, 0);
    };
    readable("/hosts", "127.0.0.1\tlocalhost\n");
    readable("/resolv.conf", "");
    readable("/hostname", container.record.hostname + "\n");
    sys::make_dirs(directory + "/log", 0700);
    write_steps(container, directory, store_.roots(), host_, warnings);
    put(directory + "/config.json", runtime::to_json(container.spec));
    put(directory + "/request.json", container.request);
    put(directory + "/record.json", to_json(container.record));
    return warnings;
}

void Stager::bind_sources(const BuiltContainer& container) {
    for (const auto& bind : container.bind_sources) {
        if (exists(bind.path)) continue;
        if (bind.create) {
            sys::make_dirs(bind.path, 0755);
            continue;
        }
        auto missing =
            error(Errc::not_found, "{}: bind source path does not exist: {}",
                  bind.what.empty() ? std::string("invalid mount config for type \"bind\"") : bind.what, bind.path)
                .with_at(bind.at);
        if (is_docker_socket(bind.path))
            missing.with_hint("davit has no daemon that listens there: what needs Docker's API cannot run, unless "
                              "a Docker is started beside davit (docs/docker.md)");
        throw missing;
    }
}

void Stager::volumes(const BuiltContainer& container) {
    for (const auto& volume : container.volumes) store_.create(volume);
    for (const auto& copy : container.copy_ups)
        archive::fill_volume(container.spec.root.overlay.lower, copy.path_in_image, copy.directory, [&](int directory) {
            if (copy.path_in_image == "/etc") add_etc_files(directory);
        });
}

void Stager::own_layer(const BuiltContainer& container, const std::string& directory) {
    const std::string upper = directory + "/upper", work = directory + "/work";
    sys::make_dirs(upper, 0755);
    sys::make_dirs(work, 0700);
    // The root directory of the container has the attributes of the upper one.
    struct stat top {};
    mode_t mode = 0755;
    uid_t uid = 0;
    gid_t gid = 0;
    const auto& lower = container.spec.root.overlay.lower;
    if (!lower.empty() && ::stat(lower.front().c_str(), &top) == 0) {
        mode = top.st_mode;
        uid = top.st_uid;
        gid = top.st_gid;
    }
    own(sys::open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).get(), upper, mode, uid, gid);
    own(put(upper + "/.dockerenv", "").get(), upper + "/.dockerenv", 0755, 0, 0); // programs ask it where they run
    check_working_dir(container);
}

// Docker makes the working directory when it makes the container, and refuses one that is a file.
void Stager::check_working_dir(const BuiltContainer& container) const {
    namespace fs = std::filesystem;
    const fs::path wanted = fs::path(container.spec.process.cwd).lexically_normal();
    if (wanted == "/") return;
    for (const auto& mount : container.spec.mounts) // what a mount has there shows only at the start
        if ((wanted.string() + "/").starts_with(mount.destination + "/")) return;
    const archive::RootfsView view(container.spec.root.overlay.lower);
    fs::path so_far = "/";
    for (const auto& part : wanted.relative_path()) {
        so_far /= part;
        const auto entry = view.lookup(so_far.string());
        if (!entry) return;
        if (!entry->is_directory())
            throw error(Errc::invalid_project, "Cannot mkdir: {} is not a directory", so_far.string());
    }
}

// As docker's copy into a container that was made and does not run yet: links and volumes lead where
// they lead inside.
void Stager::files(const BuiltContainer& container, const std::string& directory) {
    if (container.files.empty()) return;
    runtime::Spec spec = container.spec;
    spec.root.overlay.upper = directory + "/upper";
    spec.root.overlay.work = directory + "/work";
    const auto root = rootfs::ContainerRoot::as_seen(spec, 0);
    for (const auto& file : container.files)
        in_context("writing the config " + file.path, [&] {
            rootfs::write_file(root.fd(), {file.path, file.content, file.mode, file.uid, file.gid});
        });
}

void Stager::secrets(const BuiltContainer& container) {
    if (container.secrets.empty()) return;
    sys::make_dirs(paths_.run_container(container.record.id) + "/secrets", 0700);
    for (const auto& secret : container.secrets) {
        own(put(secret.path, secret.content).get(), secret.path, secret.mode, secret.uid, secret.gid);
    }
}

void write_steps(BuiltContainer& container, const std::string& directory, const Roots& roots,
                 const runtime::HostFacts& host, std::vector<std::string>& warnings) {
    ContainerRecord& record = container.record;
    const runtime::Spec& spec = container.spec;
    const runtime::CompileOptions options{roots.bpf_cache()};
    if (!record.start_error.empty()) return;
    try {
        compile_step_files(directory, record, spec, host, options, &warnings);
    } catch (const Error& e) {
        if (e.os() && e.kind() != Errc::not_found) throw; // the disk, not the container
        record.start_error = e.what();
        container.start_failure = e;
    }
}

} // namespace davit
