#include "build/working_root.hpp"

#include "archive/rootfs_view.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/files/layer.hpp"
#include "image/step_records.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::build {

std::vector<std::string> lower_paths(const image::Store& store, const std::vector<image::Layer>& layers) {
    image::Image image;
    image.layers = layers;
    return store.layer_paths(image);
}

namespace {

UniqueFd readable(int root) { return sys::open_at(root, ".", O_RDONLY | O_DIRECTORY); }

// The root directory has the attributes of the upper one.
void look_like(const std::string& upper, const std::string& lower) {
    struct stat st {};
    if (::stat(lower.c_str(), &st) < 0) throw sys_error(errno, "looking at {}", lower);
    if (::chown(upper.c_str(), st.st_uid, st.st_gid) < 0 || ::chmod(upper.c_str(), st.st_mode & 07777) < 0)
        throw sys_error(errno, "making {}", upper);
}

} // namespace

ReadRoot::ReadRoot(const image::Store& store, image::IngestSession& session, const std::vector<image::Layer>& layers) {
    runtime::Spec spec;
    spec.root.overlay.lower = lower_paths(store, layers);
    if (spec.root.overlay.lower.empty()) {
        root_ = sys::open(session.fresh(), O_RDONLY | O_DIRECTORY);
        return;
    }
    // One layer alone is no overlay.
    if (spec.root.overlay.lower.size() == 1) spec.root.overlay.lower.push_back(session.fresh());
    mounted_ = rootfs::ContainerRoot::as_seen(spec, 0);
    root_ = readable(mounted_->fd());
}

WorkingRoot::WorkingRoot(image::Store& store, image::IngestSession& session, const std::vector<image::Layer>& layers)
    : store_(store), layers_(lower_paths(store, layers)) {
    overlay_.lower = layers_;
    if (overlay_.lower.empty()) overlay_.lower.push_back(session.fresh());
    overlay_.upper = session.fresh();
    overlay_.work = session.fresh();
    look_like(overlay_.upper, overlay_.lower.front());
}

int WorkingRoot::fd() {
    if (!root_) {
        runtime::Spec spec;
        spec.root.overlay = overlay_;
        mounted_ = rootfs::ContainerRoot::as_seen(spec, 0);
        root_ = readable(mounted_->fd());
    }
    return root_.get();
}

image::Layer WorkingRoot::commit(image::Lease& lease, const std::vector<std::string>& made) {
    root_.reset();
    mounted_.reset();
    const UniqueFd upper = sys::open(overlay_.upper, O_RDONLY | O_DIRECTORY);
    std::vector<MountStub> stubs;
    for (const auto& path : made) stubs.push_back({path});
    normalize_layer(upper.get(), layers_, stubs);
    const LayerFacts facts = digest_layer(upper.get());
    sys::remove_tree(overlay_.work);
    return image::keep_layer(store_, lease, overlay_.upper, facts.diff_id, facts.files, facts.size, false);
}

std::vector<std::string> WorkingRoot::missing(const std::vector<std::string>& paths) const {
    const archive::RootfsView view(layers_);
    std::vector<std::string> out;
    for (const std::string& path : paths)
        for (std::size_t end = path.size(); end != std::string::npos && end > 0; end = path.rfind('/', end - 1)) {
            const std::string part = path.substr(0, end);
            if (view.lookup(part)) break;
            if (std::find(out.begin(), out.end(), part) == out.end()) out.push_back(part);
            if (end == 0) break;
        }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    return out;
}

} // namespace davit::build
