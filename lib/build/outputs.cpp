#include "build/outputs.hpp"

#include "archive/tar_stream.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "build/files/copy.hpp"
#include "build/image_output.hpp"
#include "build/layer_blobs.hpp"
#include "build/rewrite_times.hpp"
#include "build/stale_files.hpp"
#include "build/times.hpp"
#include "build/working_root.hpp"
#include "image/archive.hpp"
#include "image/manifest.hpp"
#include "image/platform.hpp"
#include "image/push.hpp"
#include "rootfs/tree_reader.hpp"

#include <algorithm>
#include <cctype>
#include <climits>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <set>
#include <string_view>
#include <sys/stat.h>
#include <utility>

namespace davit::build {

namespace {

using Type = BuildOutput::Type;

bool is_true(const std::map<std::string, std::string>& attributes, const char* key) {
    const auto it = attributes.find(key);
    return it != attributes.end() && (it->second == "true" || it->second == "1" || it->second == "t" ||
                                      it->second == "T" || it->second == "TRUE" || it->second == "True");
}

using Naming = std::function<void(const registry::Reference&)>;

void name(Session& session, const std::vector<std::string>& names, BuildResult& result, const Naming& give) {
    for (const auto& text : names) {
        const auto reference = registry::Reference::parse(text);
        session.progress.during("naming to " + reference.canonical(), [&](int) { give(reference); });
        result.names.push_back(reference.canonical());
    }
}

// One image, or one of each platform and the index that lists them; the result tells of the index then.
void keep_images(Session& session, const std::vector<Built>& built, const BuildOutput& output,
                 const std::vector<std::string>& names, BuildResult& result) {
    const StoredImages stored = store_images(session, built, output, names);
    describe(session, stored, result);
    result.image_id = stored.images.front().id;
    name(session, names, result, [&](const auto& reference) {
        if (stored.index) session.store.tag(*stored.index, reference);
        else session.store.tag(stored.images.front(), reference);
    });
    if (built.size() == 1) return;
    // This machine's is what runs.
    for (const auto& text : names)
        if (const auto image = session.store.find(registry::Reference::parse(text))) result.image_id = image->id;
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

// "linux/arm/v7" → "linux_arm_v7": a directory's name.
std::string directory_of(std::string platform) {
    std::replace(platform.begin(), platform.end(), '/', '_');
    return platform;
}

bool splits_platforms(const std::vector<Built>& built, const BuildOutput& output) {
    const auto it = output.attributes.find("platform-split");
    return it == output.attributes.end() ? built.size() > 1 : is_true(output.attributes, "platform-split");
}

// The files; those of several platforms each below a directory.
void write_tar(Session& session, const std::vector<Built>& built, const BuildOutput& output, int fd) {
    const bool split = splits_platforms(built, output);
    archive::TarStream tar(archive::to_fd(fd));
    for (const Built& one : built) {
        const ReadRoot root(session.store, session.ingest, one.state.layers);
        rootfs::ReadOptions options;
        options.contents_only = !split;
        options.max_path = PATH_MAX - 1;
        options.modified = source_date_epoch(session.request);
        rootfs::read_tree(root.fd(), ".", split ? directory_of(one.file.platform) : "", tar, options);
    }
    tar.finish();
}

// The directory of an output; one in which files are to be deleted is what was allowed, whatever has become of its
// path.
UniqueFd opened(Session& session, const std::string& directory, bool deletes) {
    sys::make_dirs(directory, 0700);
    UniqueFd out = sys::open(directory, O_RDONLY | O_DIRECTORY);
    if (deletes)
        check_delete(session.request,
                     std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(out.get())).string());
    return out;
}

// As the one who asked for them owns files: modes are kept, owners are not.
void write_files(Session& session, const Built& built, int directory, bool deletes) {
    const ReadRoot root(session.store, session.ingest, built.state.layers);
    if (deletes) remove_stale(directory, root.fd());
    Source source;
    source.root = root.fd();
    dockerfile::CopyStep all;
    all.sources = {"/"};
    all.destination = "/";
    all.chown = "0:0";
    CopyOptions options;
    options.stop = session.stop();
    options.keep_top = true;
    if (const auto epoch = source_date_epoch(session.request)) options.modified = timespec{*epoch, 0};
    copy(source, all, directory, options);
}

// Of several platforms each has a directory of its own, unless it is to be one for all.
void write_local(Session& session, const std::vector<Built>& all, const BuildOutput& output) {
    const bool deletes = wants_delete(output);
    const UniqueFd top = opened(session, output.destination, deletes);
    if (!splits_platforms(all, output)) {
        // Each leaves what the others have written.
        for (const Built& one : all) write_files(session, one, top.get(), deletes && all.size() == 1);
        return;
    }
    std::set<std::string> names;
    for (const Built& one : all) names.insert(directory_of(one.file.platform));
    if (deletes) remove_others(top.get(), names);
    for (const Built& one : all) {
        const std::string name = directory_of(one.file.platform);
        if (::mkdirat(top.get(), name.c_str(), 0755) < 0 && errno != EEXIST)
            throw sys_error(errno, "making {}/{}", output.destination, name);
        const UniqueFd own = sys::open_at(top.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        write_files(session, one, own.get(), deletes);
    }
}

void to_file(const BuildRequest& request, const std::string& destination, const std::function<void(int)>& write) {
    if (destination.empty() || destination == "-") return write(request.output_stream);
    if (const auto slash = destination.rfind('/'); slash != std::string::npos && slash > 0)
        sys::make_dirs(destination.substr(0, slash), 0755);
    WholeFile file(destination, 0666); // as a shell's ">" makes it, and as buildx does
    write(file.fd());
    file.finish();
}

// Tags win over the output's own name, as with buildx.
std::vector<std::string> names_of(const BuildRequest& request, const BuildOutput& output) {
    std::vector<std::string> out = request.tags;
    if (const auto it = output.attributes.find("name");
        out.empty() && it != output.attributes.end() && !it->second.empty()) {
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
void write_archive(Session& session, const std::vector<Built>& built, const BuildOutput& output, BuildResult& result) {
    std::vector<Built> wanted;
    for (const Built& one : built) wanted.push_back(shaped(session, one, output));
    image::SaveOptions how{names_of(session.request, output), layer_blobs(), {}};
    const StoredImages stored = store_images(session, wanted, output, how.names);
    describe(session, stored, result);
    how.annotations = stored.descriptor;
    std::vector<std::string> ids;
    if (stored.index) how.indexes.push_back(stored.index->document.digest);
    else ids.push_back(stored.images.front().id);
    std::vector<registry::Descriptor> listed;
    const auto plain = output.attributes.find("tar");
    if (plain != output.attributes.end() && plain->second == "false") {
        sys::make_dirs(output.destination, 0755);
        listed = image::save_layout(session.store, ids, output.destination, how);
    } else {
        to_file(session.request, output.destination,
                [&](int fd) { listed = image::save(session.store, ids, fd, how); });
    }
    result.manifest_digest = listed.front().digest;
    result.manifest_type = listed.front().media_type;
    result.manifest_size = listed.front().size;
    for (const std::string& text : how.names) {
        const std::string canonical = registry::Reference::parse(text).canonical();
        auto& names = result.archive_names;
        if (std::find(names.begin(), names.end(), canonical) == names.end()) names.push_back(canonical);
    }
}

bool makes_image(const BuildOutput& output) {
    return output.type == Type::image || output.type == Type::oci || output.type == Type::docker;
}

} // namespace

void check_outputs(const BuildRequest& request) {
    for (const BuildOutput& output : request.outputs) {
        if (makes_image(output)) image_form(output); // throws
        if (request.platforms.size() > 1 && output.type == Type::docker && !output.destination.empty())
            throw error(Errc::unsupported, "docker exporter does not support exporting manifest lists")
                .with_hint("-o type=oci,dest=FILE writes an archive of several platforms");
        if (output.type == Type::image && is_true(output.attributes, "push") && names_of(request, output).empty())
            throw error(Errc::usage, "tag is needed when pushing to registry").with_hint("-t REGISTRY/NAME:TAG");
        if (output.type == Type::image && is_true(output.attributes, "push-by-digest"))
            throw error(Errc::unsupported, "push-by-digest: images are pushed by their names here")
                .with_hint("leave it out: what a push tells is the digest, by which the image can be asked for then");
        if (wants_delete(output) && !output.destination.empty()) check_delete(request, output.destination);
        if (output.type == Type::local && output.destination.empty())
            throw error(Errc::usage, "dest is required for local output").with_hint("-o DIRECTORY");
        const bool archive = output.type == Type::tar || output.type == Type::oci || output.type == Type::docker;
        if (archive && output.destination.empty() && request.output_stream < 0)
            throw error(Errc::usage, "dest file is required for {} output", output.type == Type::tar ? "tar" : "oci");
    }
}

BuildResult deliver(Session& session, const std::vector<Built>& all) {
    BuildResult result;
    const BuildRequest& request = session.request;
    std::vector<BuildOutput> outputs = request.outputs;
    if (outputs.empty()) outputs.emplace_back();
    // A platform that is asked for is the image's.
    const bool no_machine = request.platforms.empty() && all.front().file.bare;
    for (const BuildOutput& output : outputs) {
        session.check_stop();
        if (no_machine && makes_image(output))
            throw error(Errc::failed, "invalid image config for export: missing architecture")
                .with_hint("--platform says for which machine the image is, or write its files by -o DIRECTORY");
        switch (output.type) {
        case Type::image:
            session.progress.during("exporting to image", [&](int) {
                std::vector<Built> wanted;
                for (const Built& one : all) wanted.push_back(shaped(session, one, output));
                keep_images(session, wanted, output, names_of(request, output), result);
            });
            if (is_true(output.attributes, "push")) push(session, names_of(request, output));
            break;
        case Type::local:
            session.progress.during("exporting to client directory", [&](int) { write_local(session, all, output); });
            break;
        case Type::tar:
            session.progress.during("exporting to client tarball", [&](int) {
                to_file(request, output.destination, [&](int fd) { write_tar(session, all, output, fd); });
            });
            break;
        case Type::oci:
        case Type::docker:
            if (output.type == Type::docker && output.destination.empty()) { // --load
                keep_images(session, all, output, names_of(request, output), result);
                break;
            }
            session.progress.during("exporting to oci image format",
                                    [&](int) { write_archive(session, all, output, result); });
            break;
        case Type::cacheonly: break; // the cache has it already
        }
    }
    return result;
}

LayoutName parse_layout(const std::string& text) {
    LayoutName out{text, "", ""};
    const auto all_of = [](std::string_view part, std::string_view signs) {
        return !part.empty() && std::all_of(part.begin(), part.end(), [&](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) || signs.find(c) != std::string_view::npos;
        });
    };
    constexpr std::string_view algorithm = "sha256:";
    constexpr std::size_t hex_digits = 64, longest_tag = 128;
    if (const std::size_t at = out.directory.rfind('@'); at != std::string::npos) {
        const std::string digest = out.directory.substr(at + 1);
        if (digest.starts_with(algorithm) && digest.size() == algorithm.size() + hex_digits) {
            out.digest = digest;
            out.directory.resize(at);
        }
    }
    const std::size_t colon = out.directory.rfind(':');
    if (colon == std::string::npos || exists(out.directory)) return out;
    const std::string tag = out.directory.substr(colon + 1);
    if (tag.size() > longest_tag || !all_of(tag, "_.-") || tag[0] == '.' || tag[0] == '-') return out;
    out.tag = tag;
    out.directory.resize(colon);
    return out;
}

std::string load_layout(Session& session, const std::string& name) {
    const LayoutName layout = parse_layout(name);
    // Whoever wrote it names no image of this machine.
    const auto loaded =
        image::load(session.store, layout.directory, {{}, session.stop(), false, layout.digest, layout.tag});
    if (loaded.empty()) throw error(Errc::not_found, "{} holds no image", layout.directory);
    session.store.extend(session.lease, loaded.front().image.id);
    return loaded.front().image.id;
}

} // namespace davit::build
