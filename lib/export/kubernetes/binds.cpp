// Files and directories of the project that are bound in: ConfigMaps, or Secrets that secrets.sh makes. Nothing of the
// machine outside of the project goes along, whoever wrote its path.
#include "export/kubernetes/cluster.hpp"
#include "export/kubernetes/file_kinds.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

constexpr std::size_t most_files = 200;

struct BoundFile {
    std::string inside; // its path below what is bound; of a file that is bound itself: its name
    std::string path, content, key;
    std::uint32_t mode = 0444;
    std::string secret; // why it is one
};

struct Bound {
    std::vector<BoundFile> files;
    std::size_t size = 0;
    std::string why, hint; // nothing of it goes along
    bool directory = false;
    bool written = false; // nobody says that it is not
    bool fail(std::string because, std::string instead) {
        why = std::move(because);
        hint = std::move(instead);
        return false;
    }
};

constexpr const char* data_hint = "copy it into the image, or use a volume";

std::optional<FileFacts> facts_of(const Cluster& cluster, const std::string& path) {
    const ExportOptions& options = cluster.scope.options;
    if (options.look_at) {
        auto out = options.look_at(path);
        if (out && out->real.empty()) out->real = path;
        return out;
    }
    FileFacts out;
    out.real = path;
    return out;
}

std::string without_slash(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

bool is_below(const std::string& path, const std::string& directory) {
    return path.size() > directory.size() + 1 && path.starts_with(directory) &&
           (directory == "/" || path[directory.size()] == '/');
}

bool is_in_project(const Cluster& cluster, const std::string& real) {
    const std::string& directory = cluster.project().working_dir;
    const auto facts = facts_of(cluster, directory);
    return is_below(real, facts ? facts->real : directory);
}

bool add_file(const Cluster& cluster, const std::string& path, const std::string& inside, const FileFacts& facts,
              Bound& out) {
    const auto too_large = [&] {
        return out.fail(fmt::format("{} is too large for a ConfigMap (1 MiB)", path), data_hint);
    };
    if (out.size + facts.size > most_of_a_config_map || out.files.size() >= most_files) return too_large();
    auto content = cluster.scope.options.read_file ? cluster.scope.options.read_file(path) : std::nullopt;
    if (!content) return out.fail(fmt::format("{} cannot be read, or is no file", path), data_hint);
    if ((out.size += content->size()) > most_of_a_config_map) return too_large();
    if (out.written && is_data(inside, *content))
        return out.fail(fmt::format("{} is data, which a program writes, and a ConfigMap is read only", path),
                        "a volume; `:ro` at the mount, where it is only read");
    BoundFile file{inside, path, std::move(*content), file_key(inside), 0444, ""};
    const bool closed = (facts.mode & 0044) == 0;
    if (closed) file.secret = "only its owner may read it";
    else if (is_called_as_secret(inside.substr(inside.rfind('/') + 1)))
        file.secret = "it is called as keys and passwords are";
    else if (holds_secret(file.content)) file.secret = "something in it looks like a key or a password";
    file.mode = (facts.mode & 0111 ? 0111 : 0) | (closed ? 0400 : 0444);
    for (int n = 2; std::any_of(out.files.begin(), out.files.end(), [&](const auto& f) { return f.key == file.key; });
         ++n)
        file.key = file_key(inside) + "-" + std::to_string(n);
    out.files.push_back(std::move(file));
    return true;
}

bool add_tree(const Cluster& cluster, const std::string& path, const std::string& inside, Bound& out) {
    const auto facts = facts_of(cluster, path);
    if (!facts) return out.fail(fmt::format("{} is not there, or is no file", path), data_hint);
    if (!is_in_project(cluster, facts->real))
        return out.fail(fmt::format("{} leads out of the project's directory", path), "copy it to where it leads from");
    if (!facts->directory)
        return add_file(cluster, path, inside.empty() ? path.substr(path.rfind('/') + 1) : inside, *facts, out);
    out.directory = out.directory || inside.empty();
    if ((facts->mode & 0044) == 0)
        return out.fail(fmt::format("only its owner may read {}, as it is with data", path), data_hint);
    return std::all_of(facts->names.begin(), facts->names.end(), [&](const std::string& name) {
        return add_tree(cluster, path + "/" + name, inside.empty() ? name : inside + "/" + name, out);
    });
}

// What is of the machine: what it stands for is said elsewhere.
Bound of_the_machine(const std::string& path) {
    Bound out;
    std::string hint =
        "copy it into the project or the image, or name it under `configs:` or `secrets:` with `file:`; a "
        "directory that all share is a volume (x-k8s-access, type nfs)";
    if (path == "/etc/localtime" || path == "/etc/timezone" || path.starts_with("/usr/share/zoneinfo"))
        hint = "environment: {TZ: Europe/Berlin} names the time zone, where the image has zoneinfo";
    else if (path.ends_with("/docker.sock")) hint = "there is no Docker engine on the nodes: ask Kubernetes' own API";
    out.fail(fmt::format("{} is of one machine, outside of the project's directory", path), std::move(hint));
    return out;
}

Bound look_at(const Cluster& cluster, const Mount& m) {
    const std::string source = without_slash(m.source);
    if (source != cluster.project().working_dir && !is_below(source, cluster.project().working_dir))
        return of_the_machine(source);
    Bound out;
    out.written = !m.read_only;
    if (source == cluster.project().working_dir) {
        out.fail("it is the whole project, as one develops it", "`build:`, and COPY in its Dockerfile");
    } else if (add_tree(cluster, source, "", out) &&
               std::all_of(out.files.begin(), out.files.end(),
                           [&](const BoundFile& f) { return out.directory && is_placeholder(f.inside); })) {
        out.fail(fmt::format("{} is empty, and of one machine", source), "a volume, for what is written there");
    }
    return out;
}

std::string contents_of(const Bound& bound) {
    std::string out;
    for (const BoundFile& f : bound.files)
        out += bound.directory ? fmt::format("{}\n{}\n{}\n", f.inside, f.content.size(), f.content) : f.content;
    return out;
}

Document items_of(const Bound& bound) {
    Document out = Document::array();
    for (const BoundFile& f : bound.files) out.push_back({{"key", f.key}, {"path", f.inside}, {"mode", f.mode}});
    return out;
}

// One as the volume's: Kubernetes' own is 0644.
bool has_plain_names(const Bound& bound) {
    return std::all_of(bound.files.begin(), bound.files.end(),
                       [](const BoundFile& f) { return f.key == f.inside && f.mode == 0444; });
}

Document config_map_source(const Cluster& cluster, const std::string& base, const Bound& bound, PodStorage& out) {
    const std::string object = base + "-" + short_hash(contents_of(bound));
    std::vector<std::pair<std::string, std::string>> contents;
    for (const BoundFile& f : bound.files) contents.emplace_back(f.key, f.content);
    const auto same = [&](const Document& d) { return d["metadata"]["name"] == object; };
    if (std::none_of(out.objects.begin(), out.objects.end(), same))
        out.objects.push_back(config_map(cluster, object, contents));
    Document source{{"name", object}};
    if (!has_plain_names(bound)) source["items"] = items_of(bound);
    return {{"configMap", source}};
}

Document secret_source(const std::string& name, const Bound& bound, PodStorage& out) {
    SecretFiles secret{name, {}};
    for (const BoundFile& f : bound.files) {
        secret.files.emplace_back(f.key, f.path);
        out.closed_files = out.closed_files || (f.mode & 0004) == 0;
    }
    Document source{{"secretName", secret.name}, {"items", items_of(bound)}};
    out.secret_files.push_back(std::move(secret));
    return {{"secret", source}};
}

} // namespace

void add_bind(const Cluster& cluster, const Service& service, const Mount& m, const std::string& path,
              PodStorage& out) {
    const Bound bound = look_at(cluster, m);
    if (!bound.why.empty()) return cluster.report().dropped(path, bound.why, bound.hint);
    const auto secret =
        std::find_if(bound.files.begin(), bound.files.end(), [](const auto& f) { return !f.secret.empty(); });
    const bool is_secret = secret != bound.files.end();
    const std::string source = without_slash(m.source), name = file_key(source.substr(source.rfind('/') + 1));
    const std::string base = dns_label(cluster.services.at(service.name) + "-" + name, 50);
    // Its values change, and its name does not.
    const std::string of_secret = base + "-" + short_hash(service.name + "\n" + m.target);
    Document volume{{"name", name_of_volume(out, name)}};
    volume.update(is_secret ? secret_source(of_secret, bound, out) : config_map_source(cluster, base, bound, out));
    const std::string of_pod = volume["name"];
    out.volumes.push_back(std::move(volume));
    if (bound.directory) out.mounts.push_back({{"name", of_pod}, {"mountPath", m.target}, {"readOnly", true}});
    else add_file_mount(of_pod, bound.files.front().inside, m.target, out);
    const char* what = bound.directory ? "the files in it, read only" : "the file's content, read only";
    cluster.report().adjusted(
        path + ".source", is_secret ? "a Secret" : "a ConfigMap",
        is_secret ? fmt::format("secrets.sh makes it of {} ({}: {})", what, secret->inside, secret->secret) : what,
        m.read_only ? "" : "a volume, where the program writes there; `:ro` says that it does not");
}

} // namespace davit::exports
