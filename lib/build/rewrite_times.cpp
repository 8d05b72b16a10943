#include "build/rewrite_times.hpp"

#include "archive/byte_source.hpp"
#include "archive/layer_writer.hpp"
#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/files/layer.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace davit::build {

namespace {

void set_down(int directory, const char* name, std::int64_t epoch) {
    struct stat st {};
    if (::fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0) throw sys_error(errno, "looking at {}", name);
    if (S_ISDIR(st.st_mode)) {
        UniqueFd inside = sys::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        const Dir list(::fdopendir(inside.release()));
        if (!list) throw sys_error(errno, "reading {}", name);
        while (const dirent* entry = ::readdir(list.get()))
            if (const std::string_view one = entry->d_name; one != "." && one != "..")
                set_down(::dirfd(list.get()), entry->d_name, epoch);
    }
    if (st.st_mtim.tv_sec < epoch || (st.st_mtim.tv_sec == epoch && st.st_mtim.tv_nsec == 0)) return;
    const timespec times[2] = {{epoch, 0}, {epoch, 0}};
    if (::utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        throw sys_error(errno, "setting the time of {}", name);
}

image::Layer rewritten(Session& session, const image::Layer& layer, std::int64_t epoch) {
    const UniqueFd from = sys::open(session.store.root() + "/" + layer.directory, O_RDONLY | O_DIRECTORY);
    const UniqueFd tar = sys::open(session.ingest.path(), O_TMPFILE | O_RDWR, 0600);
    write_layer_tar(from.get(), [&](std::string_view bytes) { sys::write_all(tar.get(), bytes); });
    const std::string to = session.ingest.fresh();
    archive::FileSource source(sys::reopen(tar.get(), O_RDONLY), layer.diff_id);
    archive::unpack_layer(source, to);
    const UniqueFd upper = sys::open(to, O_RDONLY | O_DIRECTORY);
    set_down(upper.get(), ".", epoch);
    const LayerFacts facts = digest_layer(upper.get());
    return image::keep_layer(session.store, session.lease, to, facts.diff_id, layer.size, facts.size,
                             layer.opaque_root);
}

} // namespace

std::vector<image::Layer> with_times(Session& session, const std::vector<image::Layer>& layers, std::size_t kept,
                                     std::int64_t epoch) {
    std::vector<image::Layer> out;
    for (std::size_t i = 0; i < layers.size(); ++i)
        out.push_back(i < kept ? layers[i] : rewritten(session, layers[i], epoch));
    return out;
}

} // namespace davit::build
