#include "engine/pause_image.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"
#include "build/files/layer.hpp"
#include "build/image_config.hpp"
#include "build/times.hpp"
#include "image/layer_ingest.hpp"
#include "image/platform.hpp"
#include "image/step_records.hpp"
#include "model/pause_image.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

namespace davit {

namespace {

// As of no time, so that the same program is always the same image.
void copy_program(const std::string& directory) {
    const std::string text = read_file(find_program("davit-pause"));
    const UniqueFd file = sys::open(directory + "/pause", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0755);
    sys::write_all(file.get(), text);
    const timespec never[2] = {};
    if (::fchmod(file.get(), 0755) < 0 || ::futimens(file.get(), never) < 0)
        throw sys_error(errno, "writing {}/pause", directory);
}

} // namespace

void make_pause_image(const Roots& roots) {
    image::Store store(roots.images());
    image::IngestSession session(store.impl());
    image::Lease lease = store.empty_lease();
    const std::string directory = session.fresh();
    copy_program(directory);
    const UniqueFd root = sys::open(directory, O_RDONLY | O_DIRECTORY);
    const build::LayerFacts facts = build::digest_layer(root.get());
    const image::Layer layer =
        image::keep_layer(store, lease, directory, facts.diff_id, facts.files, facts.size, false);
    build::ImageDescription description;
    description.platform = image::host_platform();
    description.created = build::rfc3339(0);
    description.diff_ids = {facts.diff_id};
    description.history.push_back({description.created, "", "", "made by davit", false});
    nlohmann::json config = nlohmann::json::parse(build::configuration_json(description, ""));
    config["config"]["Entrypoint"] = {"/pause"};
    config["config"]["User"] = "65534:65534";
    store.tag(image::put_image(store, lease, config.dump(), {layer}), registry::Reference::parse(pause_image));
}

} // namespace davit
