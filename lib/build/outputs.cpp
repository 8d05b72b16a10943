#include "build/outputs.hpp"

#include "archive/tar_stream.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "build/cache_images.hpp"
#include "build/files/copy.hpp"
#include "build/image_config.hpp"
#include "build/layer_blobs.hpp"
#include "build/rewrite_times.hpp"
#include "build/times.hpp"
#include "build/working_root.hpp"
#include "image/archive.hpp"
#include "image/platform.hpp"
#include "image/push.hpp"
#include "rootfs/tree_reader.hpp"

#include <algorithm>
#include <climits>
#include <fcntl.h>

namespace davit::build {

namespace {

using Type = BuildOutput::Type;

bool is_true(const std::map<std::string, std::string>& attributes, const char* key) {
    const auto it = attributes.find(key);
    return it != attributes.end() && (it->second == "true" || it->second == "1");
}

ImageDescription describe(const Session& session, const Built& built) {
    ImageDescription out;
    out.platform = image::parse_platform(built.file.platform);
    out.config = built.file.config;
    out.author = built.file.author;
    out.history = built.state.history;
    out.created = built.state.created;
    for (const auto& layer : built.state.layers) out.diff_ids.push_back(layer.diff_id);
    if (const auto epoch = source_date_epoch(session.request)) {
        out.created = rfc3339(*epoch);
        for (auto& entry : out.history) entry.created = out.created;
    }
    return out;
}

image::Image store_image(Session& session, const Built& built) {
    std::string config = configuration_json(describe(session, built), built.state.config_json);
    if (wants_inline_cache(session.request)) config = with_records(session, config, built);
    return image::put_image(session.store, session.lease, config, built.state.layers);
}

void tag(Session& session, const image::Image& image, const std::vector<std::string>& names, BuildResult& result) {
    for (const auto& name : names) {
        const auto reference = registry::Reference::parse(name);
        session.progress.during("naming to " + reference.canonical(),
                                [&](int) { session.store.tag(image, reference); });
        result.names.push_back(reference.canonical());
    }
}

void push(Session& session, const std::vector<std::string>& names) {
    for (const auto& name : names) {
        const auto reference = registry::Reference::parse(name);
        session.progress.during("pushing " + reference.canonical(), [&](int vertex) {
            image::PushTotals totals;
            image::PushOptions how;
            registry::read_daemon_config(how);
            how.blobs = layer_blobs();
            how.stop = session.stop();
            how.warning = [&](const std::string& text) { session.progress.warning(text); };
            how.progress = [&](const image::PushProgress& progress) {
                totals.add(progress);
                session.progress.amount(vertex, totals.current(), totals.total());
            };
            image::push(session.store, reference, how);
        });
    }
}

void write_tar(Session& session, const Built& built, int fd) {
    const ReadRoot root(session.store, session.ingest, built.state.layers);
    archive::TarStream tar(archive::to_fd(fd));
    rootfs::ReadOptions options;
    options.contents_only = true;
    options.max_path = PATH_MAX - 1;
    rootfs::read_tree(root.fd(), ".", "", tar, options);
    tar.finish();
}

// As the one who asked for them owns files: modes are kept, owners are not.
void write_files(Session& session, const Built& built, const std::string& directory) {
    sys::make_dirs(directory, 0700);
    const ReadRoot root(session.store, session.ingest, built.state.layers);
    const UniqueFd to = sys::open(directory, O_RDONLY | O_DIRECTORY);
    Source source;
    source.root = root.fd();
    dockerfile::CopyStep all;
    all.sources = {"/"};
    all.destination = "/";
    all.chown = "0:0";
    CopyOptions options;
    options.stop = session.stop();
    copy(source, all, to.get(), options);
}

void to_file(const BuildRequest& request, const std::string& destination, const std::function<void(int)>& write) {
    if (destination.empty() || destination == "-") return write(request.output_stream);
    WholeFile file(destination);
    write(file.fd());
    file.finish();
}

std::vector<std::string> names_of(const BuildRequest& request, const BuildOutput& output) {
    std::vector<std::string> out = request.tags;
    if (const auto it = output.attributes.find("name"); it != output.attributes.end()) {
        out.clear();
        for (std::size_t at = 0, end; at <= it->second.size(); at = end + 1) {
            end = std::min(it->second.find(',', at), it->second.size());
            out.push_back(it->second.substr(at, end - at));
        }
    }
    return out;
}

// As the output wants it.
Built shaped(Session& session, const Built& built, const BuildOutput& output) {
    Built out = built;
    const auto epoch = source_date_epoch(session.request);
    if (epoch && is_true(output.attributes, "rewrite-timestamp"))
        out.state.layers = with_times(session, built.state.layers, built.state.base_layers, *epoch);
    return out;
}

// One archive, of an image for each platform.
void write_archive(Session& session, const std::vector<Built>& built, const BuildOutput& output) {
    std::vector<std::string> ids;
    for (const Built& one : built) ids.push_back(store_image(session, shaped(session, one, output)).id);
    const auto names = names_of(session.request, output);
    const auto plain = output.attributes.find("tar");
    if (plain != output.attributes.end() && plain->second == "false") {
        sys::make_dirs(output.destination, 0755);
        return image::save_layout(session.store, ids, output.destination, {names, layer_blobs()});
    }
    to_file(session.request, output.destination, [&](int fd) {
        image::save(session.store, ids, fd, {names, layer_blobs()});
    });
}

} // namespace

void check_outputs(const BuildRequest& request) {
    const bool only_archives =
        !request.outputs.empty() && std::all_of(request.outputs.begin(), request.outputs.end(),
                                                [](const BuildOutput& o) { return o.type == Type::oci; });
    if (request.platforms.size() > 1 && !only_archives)
        throw error(Errc::unsupported, "an image of {} platforms cannot be kept in the image store",
                    request.platforms.size())
            .with_hint("-o type=oci,dest=FILE writes one; or build each platform under a name of its own");
    for (const BuildOutput& output : request.outputs) {
        if (output.type == Type::local && output.destination.empty())
            throw error(Errc::usage, "dest is required for local output").with_hint("-o DIRECTORY");
        if (output.type != Type::image && output.type != Type::local && output.destination.empty() &&
            request.output_stream < 0)
            throw error(Errc::usage, "dest file is required for {} output", output.type == Type::tar ? "tar" : "oci");
    }
}

BuildResult deliver(Session& session, const std::vector<Built>& all) {
    const Built& built = all.front();
    BuildResult result;
    const BuildRequest& request = session.request;
    std::vector<BuildOutput> outputs = request.outputs;
    if (outputs.empty()) outputs.emplace_back();
    for (const BuildOutput& output : outputs) {
        session.check_stop();
        switch (output.type) {
        case Type::image:
            session.progress.during("exporting to image", [&](int) {
                const image::Image image = store_image(session, shaped(session, built, output));
                result.image_id = image.id;
                result.manifest_digest = image.manifest_digest;
                tag(session, image, names_of(request, output), result);
            });
            if (is_true(output.attributes, "push")) push(session, names_of(request, output));
            break;
        case Type::local:
            session.progress.during("exporting to client directory",
                                    [&](int) { write_files(session, built, output.destination); });
            break;
        case Type::tar:
            session.progress.during("exporting to client tarball", [&](int) {
                to_file(request, output.destination, [&](int fd) { write_tar(session, built, fd); });
            });
            break;
        case Type::oci:
        case Type::docker:
            if (output.type == Type::docker && output.destination.empty()) { // --load
                const image::Image image = store_image(session, built);
                result.image_id = image.id;
                tag(session, image, names_of(request, output), result);
                break;
            }
            session.progress.during("exporting to oci image format", [&](int) { write_archive(session, all, output); });
            break;
        }
    }
    return result;
}

std::string load_layout(Session& session, const std::string& directory) {
    const auto loaded = image::load(session.store, directory, {{}, session.stop()});
    if (loaded.empty()) throw error(Errc::not_found, "{} holds no image", directory);
    session.store.extend(session.lease, loaded.front().image.id);
    return loaded.front().image.id;
}

} // namespace davit::build
