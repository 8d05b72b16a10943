#include "engine/swarm/task_template.hpp"

#include "archive/rootfs_view.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "engine/staging.hpp"
#include "engine/swarm/task_service.hpp"
#include "engine/swarm/template_parse.hpp"
#include "image/pull.hpp"
#include "runtime/defaults.hpp"
#include "runtime/host_devices.hpp"
#include "runtime/oci/document.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>

namespace davit {

namespace {

// A task knows no other container, and its anonymous volumes are named when it is made.
class TaskSurroundings final : public Surroundings {
public:
    TaskSurroundings(const RecordStore& store, const image::Store& images, const swarm::Holes& holes)
        : store_(store), images_(images), holes_(holes) {}

    Donor of_service(const std::string& service) override { throw none(service); }
    Donor by_name(const std::string& container) override { throw none(container); }
    std::vector<std::string> names_of(const std::string&) override { return {}; }
    ImageFacts image(const std::string& reference) override {
        const auto found = images_.find(reference);
        if (!found) throw error(Errc::not_found, "No such image: {}", reference);
        return {found->id, found->config, images_.layer_paths(*found)};
    }
    VolumeRecord volume(const std::string& name) override {
        if (auto found = store_.volume(name)) return std::move(*found);
        throw error(Errc::not_found, "no such volume: {}", name);
    }
    std::string read_file(const std::string& path) override { return davit::read_file(path); }
    std::vector<runtime::Device> devices(const std::string& path) override { return runtime::host_devices(path); }
    std::string new_volume_name() override { return holes_.volume(volumes_++); }

    std::size_t volumes() const { return volumes_; }

private:
    static Error none(const std::string& name) { return error(Errc::not_found, "No such container: {}", name); }
    const RecordStore& store_;
    const image::Store& images_;
    const swarm::Holes& holes_;
    std::size_t volumes_ = 0;
};

std::uint32_t number(const std::string& text) {
    std::uint32_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

// A directory that is missing is made; what is in its way, in the image, no start would pass.
void check_working_dir(const std::vector<std::string>& layers, const std::string& directory) {
    if (directory.empty() || layers.empty()) return;
    const archive::RootfsView view(layers);
    std::filesystem::path path;
    for (const auto& part : std::filesystem::path(directory).lexically_normal()) {
        path /= part;
        const auto found = view.lookup(path.string());
        if (!found) return;
        if (!found->is_directory())
            throw error(Errc::invalid_project, "Cannot mkdir: {} is not a directory", directory);
    }
}

// In front of every task that is made; nobody but the supervisor reads it.
void put(const std::string& path, const std::string& bytes) { write_file_atomic(path, bytes, 0600, false); }

const std::string& target_of(const swarm::FileReference& use) { return use.target.empty() ? use.name : use.target; }

std::string absolute_target(swarm::FileKind kind, const swarm::FileReference& use) {
    std::string target = target_of(use);
    if (target.front() != '/') target = (kind == swarm::FileKind::secret ? "/run/secrets/" : "/") + target;
    return std::filesystem::path(target).lexically_normal().string();
}

std::vector<swarm::TemplateVolume> volumes_of(const Project& project, const BuiltContainer& built,
                                              const HostValues& host) {
    std::vector<swarm::TemplateVolume> out;
    for (const auto& [name, volume] : project.volumes) {
        VolumeRecord record;
        record.name = name;
        record.driver_opts = volume.driver_opts;
        if (!volume.driver.empty()) record.driver = volume.driver;
        record.labels = volume.labels;
        record.created = host.now;
        out.push_back({to_json(record)});
    }
    for (const auto& anonymous : built.volumes) out.push_back({to_json(anonymous)});
    return out;
}

} // namespace

TemplateStager::TemplateStager(const RecordStore& store, const swarm::Store& objects, HostValues host)
    : store_(store), objects_(objects), host_(std::move(host)), images_(store.roots().images()) {}

std::string TemplateStager::network_name(const std::string& target) const {
    for (const auto& network : store_.networks())
        if (network.id == target || network.name == target) return network.name;
    return target;
}

void TemplateStager::check(const swarm::Service& service) const {
    const swarm::Holes holes = swarm::Holes::fresh();
    task_model({service, holes, [](const std::string& target) { return target; }, [](const auto&) { return false; }});
}

std::string TemplateStager::make_directory(const std::string& service_id, std::uint64_t& version) const {
    const std::string all = objects_.paths().service_dir(service_id) + "/templates";
    sys::make_dirs(all, 0700);
    version = 1;
    for (const auto& name : list_directory(all)) version = std::max<std::uint64_t>(version, number(name) + 1);
    for (;; ++version) { // another client may be preparing, too
        const std::string directory = objects_.paths().prepared(service_id, version);
        if (::mkdir(directory.c_str(), 0700) == 0) return directory;
        if (errno != EEXIST) throw sys_error(errno, "making {}", directory);
    }
}

void TemplateStager::remove(const std::string& service_id, std::uint64_t version) const {
    if (version != 0) sys::remove_tree(objects_.paths().prepared(service_id, version));
}

std::uint64_t TemplateStager::stage(const swarm::Service& service) {
    std::uint64_t version = 0;
    const std::string directory = make_directory(service.id, version);
    swarm::TaskTemplate out;
    try {
        build(service, directory, out);
    } catch (const Error& e) {
        if (e.os() && e.kind() != Errc::not_found) { // the disk, not the service
            remove(service.id, version);
            throw;
        }
        out = {};
        out.rejected = e.what();
    }
    put(swarm::template_file(directory), to_json(out));
    return version;
}

void TemplateStager::build(const swarm::Service& service, const std::string& directory, swarm::TaskTemplate& out) {
    const swarm::Holes holes = swarm::Holes::fresh();
    out.mark = holes.mark();
    out.boot_id = sys::boot_id();
    const TaskModel model = task_model({service, holes, [&](const std::string& target) { return network_name(target); },
                                        [&](const std::string& name) { return store_.volume(name).has_value(); }});
    TaskSurroundings around(store_, images_, holes);
    const auto& container = service.spec.task.container;
    const ImageFacts image = around.image(container.image_id.empty() ? container.image : container.image_id);
    check_working_dir(image.layers, container.dir);
    NewContainer made;
    made.id = holes.container_id();
    made.name = made.created_as = holes.task_name();
    made.service = service.spec.name;
    const std::string no_hash;
    BuiltContainer built =
        build_container({model.project, model.service(), made, image, container.image, no_hash, host_}, around);
    out.anonymous_volumes = around.volumes();
    out.volumes = volumes_of(model.project, built, host_);
    out.layers = image.layers;
    for (const auto& copy : built.copy_ups) out.copies.push_back({copy.path_in_image, copy.directory});
    for (const auto& bind : built.bind_sources) out.bind_sources.push_back({bind.path, bind.create});

    built.record.labels = image.config.labels;
    for (const auto& [key, value] : container.labels) built.record.labels[key] = value;
    for (const auto& [key, value] : swarm::task_labels(service, holes)) built.record.labels[key] = value;
    // Names are the service's, which the supervisor gives to those of its tasks that are ready.
    for (auto& endpoint : built.record.endpoints) endpoint.aliases.clear();
    files(service, holes, built, out);
    write_steps(built, directory, store_.roots(), runtime::HostFacts::probe(), built.warnings);
    put(directory + "/config.json", runtime::to_json(built.spec));
    put(directory + "/record.json", to_json(built.record));
    warnings_.insert(warnings_.end(), built.warnings.begin(), built.warnings.end());
}

void TemplateStager::files(const swarm::Service& service, const swarm::Holes& holes, BuiltContainer& built,
                           swarm::TaskTemplate& out) const {
    const std::string run = ProjectPaths(store_.roots(), service.project).run_container(holes.container_id());
    auto add = [&](swarm::FileKind kind, const swarm::FileReference& use) {
        const auto found = objects_.file(kind, use.id);
        if (!found)
            throw error(Errc::not_found, "{} reference {} is not there",
                        kind == swarm::FileKind::secret ? "secret" : "config", use.name);
        swarm::TemplateFile file;
        file.kind = kind;
        file.id = use.id;
        file.name = use.name;
        if (found->spec.template_driver == "golang") try {
                file.content = expanded_file(service, holes, *found);
            } catch (const Error& e) { // Swarm finds it when the container starts
                if (e.kind() != Errc::invalid_project) throw;
                built.record.start_error = fmt::format("unable to get {0} from {0} store: failed to expand templated "
                                                       "{0} {1}: {2}",
                                                       to_string(kind), use.id, e.what());
                file.content = "";
            }
        file.path = fmt::format("{}/files/{}", run, out.files.size());
        file.uid = number(use.uid);
        file.gid = number(use.gid);
        file.mode = use.mode;
        runtime::Mount mount;
        mount.source = file.path;
        mount.destination = absolute_target(kind, use);
        mount.readonly = true;
        mount.recursive = false;
        runtime::add_mount(built.spec, mount);
        out.files.push_back(std::move(file));
    };
    const auto& container = service.spec.task.container;
    for (const auto& use : container.secrets) add(swarm::FileKind::secret, use);
    for (const auto& use : container.configs) add(swarm::FileKind::config, use);
    runtime::arrange_mounts(built.spec);
}

// As the task sees it: its own environment, and those configs and secrets that it has.
std::string TemplateStager::expanded_file(const swarm::Service& service, const swarm::Holes& holes,
                                          const swarm::Config& file) const {
    const auto& container = service.spec.task.container;
    TemplateContext context{service, holes};
    context.look_up = [&](const std::string& function, const std::string& name) -> std::string {
        if (function == "env") {
            for (const auto& variable : container.env)
                if (variable.starts_with(name + "="))
                    return expand_template(variable.substr(name.size() + 1), {service, holes});
            return {};
        }
        const bool secret = function == "secret";
        for (const auto& use : secret ? container.secrets : container.configs) {
            if (target_of(use) != name) continue;
            const auto kind = secret ? swarm::FileKind::secret : swarm::FileKind::config;
            if (const auto found = objects_.file(kind, use.id)) return found->spec.data;
        }
        wrong_value(fmt::format("error calling {0}: {0} target {1} not found", function, name));
    };
    return expand_template(file.spec.data, context);
}

} // namespace davit
