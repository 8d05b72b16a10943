#include "supervisor/tasks/task_maker.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "runtime/steps/fill.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {

constexpr std::size_t id_digits = 64;

std::string host_name() {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    return name;
}

void put(const std::string& path, std::string_view bytes, mode_t mode = 0600, uid_t uid = 0, gid_t gid = 0) {
    const UniqueFd fd = sys::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    sys::write_all(fd.get(), bytes);
    if (::fchown(fd.get(), uid, gid) < 0) throw sys_error(errno, "giving {} to {}:{}", path, uid, gid);
    if (::fchmod(fd.get(), mode & 07777) < 0) throw sys_error(errno, "setting the mode of {}", path);
}

} // namespace

TaskMaker::TaskMaker(World& world, Containers& containers, const swarm::Store& store)
    : world_(world), containers_(containers), store_(store) {}

std::string TaskMaker::Making::filled(const std::string& text) const {
    return swarm::Holes(prepared.mark).filled(text, values);
}

TaskMaker::Making TaskMaker::read(const swarm::Service& service, const swarm::Task& task,
                                  const swarm::Node& node) const {
    Making out;
    out.directory = store_.paths().prepared(service.id, task.template_version);
    const std::string file = swarm::template_file(out.directory);
    out.prepared = swarm::task_template_from_json(read_file(file), file);
    out.values.container_id = sys::random_hex(id_digits);
    out.values.task_id = task.id;
    out.values.slot = task.slot;
    out.values.task_name = swarm::task_container_name(service, task);
    out.values.node_id = node.id;
    out.values.node_hostname = host_name();
    for (std::size_t i = 0; i < out.prepared.anonymous_volumes; ++i)
        out.values.volumes.push_back(sys::random_hex(id_digits));
    return out;
}

void TaskMaker::make(const swarm::Service& service, const swarm::Task& task, const swarm::Node& node, Done done) {
    auto answer = [this, done = std::move(done)](std::optional<Error> failure, std::string id) {
        world_.loop.post([done, failure, id] { done(failure ? &*failure : nullptr, id); });
    };
    try {
        auto making = std::make_shared<Making>(read(service, task, node));
        if (!making->prepared.rejected.empty()) throw Error(Errc::failed, making->prepared.rejected);
        check_binds(*making);
        world_.ready_shims();
        const std::uint64_t slot = task.slot;
        volumes(*making, [this, making, slot, answer](const Error* e) {
            if (e) return answer(*e, {});
            world_.take_turn([this, making, slot, answer] {
                try {
                    stage(*making);
                    containers_.create(making->values.container_id);
                    answer(std::nullopt, making->values.container_id);
                } catch (const Error& failure) {
                    answer(failure, {});
                }
            });
        });
    } catch (const Error& e) {
        answer(e, {});
    }
}

void TaskMaker::check_binds(const Making& making) const {
    for (const auto& bind : making.prepared.bind_sources) {
        const std::string path = making.filled(bind.path);
        if (exists(path)) continue;
        if (!bind.create)
            throw error(Errc::not_found, "invalid mount config for type \"bind\": bind source path does not exist: {}",
                        path);
        sys::make_dirs(path, 0755);
    }
}

// In the helper, which does one job after the other: what fills a volume comes behind what makes it.
void TaskMaker::volumes(const Making& making, std::function<void(const Error*)> done) {
    struct Progress {
        std::size_t open = 1;
        std::optional<Error> failure;
    };
    auto progress = std::make_shared<Progress>();
    auto one_done = [progress, done = std::move(done)](const Error* e) {
        if (e && !progress->failure) progress->failure = *e;
        if (--progress->open == 0) done(progress->failure ? &*progress->failure : nullptr);
    };
    auto run = [&](HelperJob job) {
        ++progress->open;
        job.state_dir = world_.store.roots().state;
        job.run_dir = world_.store.roots().run;
        world_.files.run(job, one_done);
    };
    for (const auto& volume : making.prepared.volumes) {
        const std::string record = making.filled(volume.record);
        if (world_.store.volume(volume_record_from_json(record, "a task's volume").name)) continue;
        HelperJob job;
        job.kind = HelperJob::Kind::create_volume;
        job.text = record;
        run(std::move(job));
    }
    for (const auto& copy : making.prepared.copies) {
        HelperJob job;
        job.kind = HelperJob::Kind::fill_volume;
        job.text = copy.path_in_image;
        job.paths = making.prepared.layers;
        job.paths.insert(job.paths.begin(), making.filled(copy.directory));
        run(std::move(job));
    }
    one_done(nullptr);
}

void TaskMaker::own_layer(const Making& making, const std::string& directory) const {
    const std::string upper = directory + "/upper";
    sys::make_dirs(upper, 0755);
    sys::make_dirs(directory + "/work", 0700);
    // The root directory of the container has the attributes of the upper one.
    struct stat top {};
    if (making.prepared.layers.empty() || ::stat(making.prepared.layers.front().c_str(), &top) < 0) return;
    const UniqueFd fd = sys::open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (::fchown(fd.get(), top.st_uid, top.st_gid) < 0 || ::fchmod(fd.get(), top.st_mode & 07777) < 0)
        throw sys_error(errno, "setting the owner of {}", upper);
}

void TaskMaker::stage(const Making& making) const {
    const std::string& id = making.values.container_id;
    const std::string directory = world_.paths.staging(id), from = making.directory;
    sys::make_dirs(directory, 0700);
    own_layer(making, directory);
    auto fill = [&](std::string_view text) { return swarm::Holes(making.prepared.mark).fill(text, making.values); };
    for (const char* name : {"/plan.bin", "/health.bin"})
        if (auto steps = read_file_if_exists(from + name)) put(directory + name, runtime::fill_steps(*steps, fill));
    put(directory + "/config.json", making.filled(read_file(from + "/config.json")));
    ContainerRecord record =
        container_record_from_json(making.filled(read_file(from + "/record.json")), from + "/record.json");
    record.number = static_cast<int>(making.values.slot);
    record.created = sys::realtime_ns();
    put(directory + "/hosts", "127.0.0.1\tlocalhost\n", 0644);
    put(directory + "/resolv.conf", "", 0644);
    put(directory + "/hostname", record.hostname + "\n", 0644);
    sys::make_dirs(directory + "/log", 0700);
    put(directory + "/record.json", to_json(record));
}

void TaskMaker::write_files(const swarm::Service& service, const swarm::Task& task, const swarm::Node& node,
                            const std::string& container_id) const {
    Making making = read(service, task, node);
    if (making.prepared.files.empty()) return;
    making.values.container_id = container_id;
    sys::make_dirs(world_.paths.run_container(container_id) + "/files", 0700);
    for (const auto& file : making.prepared.files) {
        std::string content;
        if (file.content) content = making.filled(*file.content);
        else if (auto found = store_.file(file.kind, file.id)) content = std::move(found->spec.data);
        else
            throw error(Errc::not_found, "{} reference {} is not there",
                        file.kind == swarm::FileKind::secret ? "secret" : "config", file.name);
        put(making.filled(file.path), content, file.mode, file.uid, file.gid);
    }
}

} // namespace davit::supervisor
