#include "build/run_mounts.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"
#include "build/copy_files.hpp"
#include "build/files/locate.hpp"
#include "build/working_root.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace davit::build {

namespace {

using dockerfile::Input;
using dockerfile::RunMount;

constexpr const char* bind_source = "RUN --mount=type=bind, source";
constexpr auto lock_interval = std::chrono::milliseconds(20);

class Preparation {
public:
    Preparation(Session& session, const dockerfile::Step& step, const std::string& directory, const LayersOf& layers_of,
                const std::function<void(const std::string&)>& waiting)
        : session_(session), step_(step), directory_(directory), layers_of_(layers_of), waiting_(waiting) {}

    PreparedMounts all(const std::vector<RunMount>& mounts) {
        for (const RunMount& mount : mounts) {
            switch (mount.type) {
            case RunMount::Type::bind: bind(mount); break;
            case RunMount::Type::cache: cache(mount); break;
            case RunMount::Type::tmpfs: tmpfs(mount); break;
            case RunMount::Type::secret: secret(mount); break;
            case RunMount::Type::ssh: ssh(mount); break;
            }
        }
        return std::move(out_);
    }

private:
    struct Owned {
        uid_t uid;
        gid_t gid;
        mode_t mode;
    };

    Error here(Error e) const {
        SourcePos at;
        at.file = step_.place.file;
        at.line = step_.place.first_line;
        at.column = step_.place.column;
        return std::move(e.with_at(at));
    }

    runtime::Mount& add(runtime::Mount::Kind kind, const std::string& destination, bool read_only) {
        runtime::Mount m;
        m.kind = kind;
        m.destination = destination;
        m.readonly = read_only;
        out_.mounts.push_back(m);
        return out_.mounts.back();
    }

    // The files as they are in the source, writable: what a step changes there is dropped with it.
    std::string copy_of(const RunMount& mount, const Source& source) {
        const std::string to = session_.ingest.fresh();
        const UniqueFd root = sys::open(to, O_RDONLY | O_DIRECTORY);
        dockerfile::CopyStep copy_step;
        copy_step.sources = {mount.source.empty() ? "/" : mount.source};
        copy_step.destination = is_directory(source, copy_step.sources.front()) ? "/m/" : "/m";
        CopyOptions options = copy_options(session_, step_);
        options.literal = true;
        options.asked_by = bind_source;
        copy(source, copy_step, root.get(), options);
        return to + "/m";
    }

    static bool is_directory(const Source& source, const std::string& path) {
        const auto found = locate(source.root, path);
        return found && found->is_directory();
    }

    void bind(const RunMount& mount) {
        if (mount.from.kind == Input::Kind::context || is_directory_context(mount.from)) {
            const BuildContext& context =
                mount.from.kind == Input::Kind::context ? *session_.context : *session_.contexts.at(mount.from.name);
            runtime::Mount& m = add(runtime::Mount::Kind::bind, mount.target, mount.read_only);
            m.source = copy_of(mount, context.source());
            return;
        }
        const auto layers = layers_of_(mount.from);
        const std::string subpath = lexical_path(mount.source);
        {
            const ReadRoot root(session_.store, session_.ingest, layers);
            if (!locate(root.fd(), subpath)) throw here(error(Errc::not_found, "\"/{}\": not found", subpath));
            if (!mount.read_only) {
                Source source;
                source.root = root.fd();
                runtime::Mount& m = add(runtime::Mount::Kind::bind, mount.target, false);
                m.source = copy_of(mount, source);
                return;
            }
        }
        runtime::Mount& m = add(runtime::Mount::Kind::overlay, mount.target, true);
        m.layers = lower_paths(session_.store, layers);
        if (m.layers.empty()) m.layers.push_back(session_.ingest.fresh());
        m.subpath = subpath;
    }

    bool is_directory_context(const Input& input) const {
        return input.kind == Input::Kind::named && session_.contexts.contains(input.name);
    }

    // A step of this or another build holds it: the lock is free when its processes are gone.
    FileLock lock_of(const std::string& base, const RunMount& mount, std::string& chosen) {
        const auto mode =
            mount.sharing == RunMount::Sharing::shared ? FileLock::Mode::shared : FileLock::Mode::exclusive;
        bool told = false;
        for (int number = 0;;) {
            chosen = base + (number ? "." + std::to_string(number) : std::string());
            sys::make_dirs(chosen, 0700);
            if (auto lock = FileLock::try_acquire(chosen + "/lock", mode)) return std::move(*lock);
            if (mount.sharing == RunMount::Sharing::private_) {
                ++number;
                continue;
            }
            if (!std::exchange(told, true)) waiting_("waiting for cache " + mount.id);
            session_.check_stop();
            std::this_thread::sleep_for(lock_interval);
        }
    }

    // Owner and mode are of an empty cache, which stands at the top of what it is from.
    static bool is_owned(const RunMount& mount) {
        return mount.source == "/" && (mount.uid || mount.gid || mount.mode);
    }
    static Owned owner_of(const RunMount& mount) {
        return {mount.uid.value_or(0), mount.gid.value_or(0), mount.mode.value_or(0755)};
    }

    // What a cache begins with is part of what it is: one of another owner is another one.
    static std::string identity_of(const RunMount& mount) {
        std::string out = mount.id + '\0';
        if (mount.from.kind != Input::Kind::scratch)
            out += std::to_string(static_cast<int>(mount.from.kind)) + mount.from.name +
                   std::to_string(mount.from.stage) + mount.source;
        if (!is_owned(mount)) return out;
        const Owned owner = owner_of(mount);
        return out + fmt::format("{}{}:{}:{:o}", '\0', owner.uid, owner.gid, owner.mode);
    }

    void cache(const RunMount& mount) {
        const std::string identity = identity_of(mount);
        const std::string base = session_.store.root() + "/cache-mounts/" + sha256_hex(identity).substr(0, 32);
        std::string chosen;
        if (session_.request.no_cache && session_.first_use(base)) empty_cache(base);
        out_.locks.push_back(lock_of(base, mount, chosen));
        const std::string data = chosen + "/data";
        if (!exists(data)) begin_cache(mount, data);
        runtime::Mount& m = add(runtime::Mount::Kind::bind, mount.target, mount.read_only);
        m.source = data;
    }

    // One that somebody uses stays as it is.
    static void empty_cache(const std::string& base) {
        if (!exists(base)) return;
        if (const auto lock = FileLock::try_acquire(base + "/lock")) sys::remove_tree(base + "/data");
    }

    // The directory is the source's.
    Owned seed(const RunMount& mount, const std::string& data) {
        const ReadRoot root(session_.store, session_.ingest, layers_of_(mount.from));
        Source source;
        source.root = root.fd();
        dockerfile::CopyStep copy_step;
        copy_step.sources = {mount.source.empty() ? "/" : mount.source};
        copy_step.destination = "/";
        const UniqueFd to = sys::open(data, O_RDONLY | O_DIRECTORY);
        const auto found = locate(source.root, copy_step.sources.front());
        if (!found || !found->exists())
            throw here(error(Errc::not_found, "RUN --mount=type=cache, source {}: it is not in what the cache is from",
                             copy_step.sources.front()));
        CopyOptions options = copy_options(session_, step_);
        options.literal = true;
        copy(source, copy_step, to.get(), options);
        if (!found->is_directory()) return {0, 0, 0755};
        return {found->status.st_uid, found->status.st_gid, found->status.st_mode & 07777};
    }

    Owned seed_or_nothing(const RunMount& mount, const std::string& data) {
        try {
            return seed(mount, data);
        } catch (const Error&) {
            sys::remove_tree(data);
            throw;
        }
    }

    // Whole, or not there: what a build that died has begun is begun anew.
    void begin_cache(const RunMount& mount, const std::string& place) {
        const std::string data = place + "." + sys::random_hex(8);
        sys::make_dirs(data, 0755);
        Owned top = owner_of(mount);
        if (mount.from.kind != Input::Kind::scratch && !is_owned(mount)) top = seed_or_nothing(mount, data);
        if (::chown(data.c_str(), top.uid, top.gid) < 0 || ::chmod(data.c_str(), top.mode) < 0)
            throw sys_error(errno, "making {}", data);
        if (::rename(data.c_str(), place.c_str()) == 0) return;
        const int why = errno;
        sys::remove_tree(data); // another step that shares it was faster
        if (why != ENOTEMPTY && why != EEXIST) throw sys_error(why, "making {}", place);
    }

    void tmpfs(const RunMount& mount) {
        runtime::Mount& m = add(runtime::Mount::Kind::filesystem, mount.target, mount.read_only);
        m.type = m.source = "tmpfs";
        m.nosuid = true;
        m.data = "mode=1777"; // any user of the command writes to its /tmp
        if (mount.size) m.data += ",size=" + std::to_string(mount.size);
    }

    void secret(const RunMount& mount) {
        const auto value = session_.secret(mount.id);
        if (!value && !mount.required) return;
        if (!value)
            throw here(error(Errc::not_found, "secret {}: not found", mount.id)
                           .with_hint("--secret id=" + mount.id + ",src=FILE gives it"));
        if (mount.env) out_.env.push_back(*mount.env + "=" + *value);
        if (mount.env && mount.target.empty()) return;
        const std::string file = directory_ + "/secret." + std::to_string(number_++);
        const UniqueFd fd = sys::open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        sys::write_all(fd.get(), *value);
        own(fd.get(), file, mount, 0400);
        runtime::Mount& m = add(runtime::Mount::Kind::bind, mount.target, true);
        m.source = file;
        m.nosuid = m.nodev = m.noexec = true;
    }

    static void own(int fd, const std::string& file, const RunMount& mount, mode_t mode) {
        if (::fchown(fd, mount.uid.value_or(0), mount.gid.value_or(0)) < 0 ||
            ::fchmod(fd, mount.mode.value_or(mode)) < 0)
            throw sys_error(errno, "giving {} away", file);
    }

    void ssh(const RunMount& mount) {
        const auto source = session_.ssh_source(mount.id);
        if (!source && !mount.required) return;
        if (!source)
            throw here(error(Errc::not_found, "no SSH key \"{}\" forwarded from the client", mount.id)
                           .with_hint("--ssh " + mount.id + " passes the agent of SSH_AUTH_SOCK on"));
        const std::string file = directory_ + "/ssh." + std::to_string(number_++);
        out_.proxies.push_back(std::make_unique<SshProxy>(file, *source, mount.mode.value_or(0600),
                                                          mount.uid.value_or(0), mount.gid.value_or(0)));
        runtime::Mount& m = add(runtime::Mount::Kind::bind, mount.target, false);
        m.source = file;
    }

    Session& session_;
    const dockerfile::Step& step_;
    const std::string& directory_;
    const LayersOf& layers_of_;
    const std::function<void(const std::string&)>& waiting_;
    PreparedMounts out_;
    int number_ = 0;
};

} // namespace

PreparedMounts prepare_mounts(Session& session, const dockerfile::Step& step, const dockerfile::RunStep& run,
                              const std::string& directory, const LayersOf& layers_of,
                              const std::function<void(const std::string&)>& waiting) {
    return Preparation(session, step, directory, layers_of, waiting).all(run.mounts);
}

} // namespace davit::build
