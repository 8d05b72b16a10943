// A root file system as an image of one layer.
#include "davit/images.hpp"

#include "archive/byte_source.hpp"
#include "archive/inflate.hpp"
#include "archive/layer_writer.hpp"
#include "base/date.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/files/http_file.hpp"
#include "build/files/layer.hpp"
#include "build/image_config.hpp"
#include "engine/events/record.hpp"
#include "engine/roots.hpp"
#include "image/layer_ingest.hpp"
#include "image/platform.hpp"
#include "image/step_records.hpp"
#include "rootfs/commit_changes.hpp"

#include <cerrno>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace davit {

image::Image import_image(Engine& engine, int fd, const std::string& name, const ImportImageOptions& options,
                          std::stop_token stop) {
    std::optional<registry::Reference> reference;
    if (!options.name.empty()) reference = registry::Reference::parse(options.name);
    image::Store store(roots_of(engine).images());
    image::IngestSession session(store.impl());
    image::Lease lease = store.empty_lease();
    const std::string directory = session.fresh();
    archive::StreamSource stream(fd, name, std::move(stop));
    const auto plain = archive::make_inflater(stream);
    const auto unpacked = in_context("importing " + name, [&] { return archive::unpack_layer(*plain, directory); });
    const UniqueFd root = sys::open(directory, O_RDONLY | O_DIRECTORY);
    const build::LayerFacts facts = build::digest_layer(root.get());
    const image::Layer layer =
        image::keep_layer(store, lease, directory, facts.diff_id, unpacked.size, facts.size, false);
    build::ImageDescription description;
    description.platform = options.platform.empty() ? image::host_platform() : image::parse_platform(options.platform);
    description.created = rfc3339_nano(sys::realtime_ns());
    description.diff_ids = {facts.diff_id};
    const std::string from = name == "standard input" ? "-" : name; // as docker has it
    description.history.push_back(
        {description.created, "", "", options.message.empty() ? "Imported from " + from : options.message, false});
    nlohmann::json config = nlohmann::json::parse(build::configuration_json(description, ""));
    rootfs::apply_changes(config["config"], options.changes);
    image::Image image =
        image::put_image(store, lease, config.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), {layer});
    if (reference) store.tag(image, *reference);
    if (reference) record_image_event(roots_of(engine), "tag", image.id, reference->familiar(), image.config.labels);
    record_image_event(roots_of(engine), "import", image.id, image.id, image.config.labels);
    return image;
}

image::Image import_image_from(Engine& engine, const std::string& url, const ImportImageOptions& options,
                               std::stop_token stop) {
    const std::string directory = roots_of(engine).images();
    const image::Store store(directory); // makes the directory
    const UniqueFd file = sys::open(directory, O_TMPFILE | O_RDWR, 0600);
    build::HttpFileOptions how;
    how.stop = stop;
    build::download(url, file.get(), how);
    if (::lseek(file.get(), 0, SEEK_SET) < 0) throw sys_error(errno, "reading what {} has", url);
    return import_image(engine, file.get(), url, options, std::move(stop));
}

} // namespace davit
