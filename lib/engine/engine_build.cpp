// Engine: building.
#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "build/build.hpp"
#include "davit/build_cache.hpp"
#include "engine/build_recorder.hpp"
#include "engine/build_request.hpp"
#include "engine/roots.hpp"
#include "image/platform.hpp"
#include "image/pull.hpp"
#include "model/image_reference.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <future>
#include <map>
#include <set>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace davit {

namespace {

// As FROM and TARGETPLATFORM have it: a level of amd64 is no platform of its own.
std::string build_platform() {
    image::Platform platform = image::host_platform();
    if (platform.architecture != "arm") platform.variant.clear();
    return image::to_string(platform);
}

build::Surroundings surroundings_of(const Roots& roots, image::Store& images, build::Progress& progress,
                                    std::uint64_t keep_free, std::stop_token stop) {
    build::Surroundings out{roots, images, {}, {}, build_platform(), {}};
    const auto options = [&progress, keep_free, stop = std::move(stop)](const std::string& platform) {
        image::FetchOptions how;
        registry::read_daemon_config(how);
        how.platform = platform;
        how.keep_free = keep_free;
        how.stop = stop;
        how.warning = [&progress](const std::string& text) { progress.warning(text); };
        return how;
    };
    out.look = [&images, options](const std::string& reference, const std::string& platform) {
        return image::look_at(images, registry::Reference::parse(reference), options(platform));
    };
    out.pull = [&images, options](const std::string& reference, const std::string& platform,
                                  const std::function<void(std::uint64_t, std::uint64_t)>& tell) {
        image::FetchOptions how = options(platform);
        image::PullTotals totals;
        how.progress = [&](const image::PullProgress& p) {
            totals.add(p);
            tell(totals.current(), totals.total());
        };
        return image::pull(images, registry::Reference::parse(reference), how);
    };
    return out;
}

BuildRequest with_defaults(BuildRequest request) {
    if (request.platforms.empty())
        if (const char* own = std::getenv("DOCKER_DEFAULT_PLATFORM"); own && *own) request.platforms = {own};
    return request;
}

// Beyond 20 GB, or a tenth of the disk, what was used longest ago goes; looked at once an hour.
void keep_cache_small(Engine& engine) {
    constexpr std::uint64_t most = 20'000'000'000, part = 10;
    constexpr std::int64_t interval = std::int64_t{3600} * 1'000'000'000;
    const std::string mark = roots_of(engine).images() + "/build-pruned";
    struct stat st {};
    const bool looked = ::stat(mark.c_str(), &st) == 0 &&
                        sys::realtime_ns() - std::int64_t{st.st_mtim.tv_sec} * 1'000'000'000 < interval;
    if (looked) return;
    struct statvfs disk {};
    if (::statvfs(roots_of(engine).images().c_str(), &disk) < 0) return;
    PruneBuildCacheOptions options;
    options.keep = std::min<std::uint64_t>(most, std::uint64_t{disk.f_blocks} * disk.f_frsize / part);
    try {
        write_file_atomic(mark, "", 0600, false);
        prune_build_cache(engine, options);
    } catch (const Error& e) { // the image is there: that is what was asked for
        log::debug("keeping the build cache small: {}", e.what());
    }
}

// The builds of one call: each service once, its dependencies first.
class ServiceBuilds {
public:
    ServiceBuilds(const Project& project, const Roots& roots, const BuildWishes& wishes, const BuildSink& sink,
                  std::uint64_t keep_free, std::stop_token stop)
        : project_(project), wishes_(wishes), images_(roots.images()), roots_(roots), keep_free_(keep_free),
          progress_(sink), forward_(std::move(stop), [this] { cancel_.request_stop(); }) {}

    std::vector<BuiltService> run(const std::vector<std::string>& services) {
        // Services with one image: the first of them builds it.
        std::map<std::string, std::string> by_image;
        for (const auto& name : services) {
            const Service& service = *project_.find(name);
            by_image.emplace(image_reference(project_, service), name);
        }
        for (const auto& [image, name] : by_image) named_.insert(name);
        if (builds_in_order()) by_image_ = by_image;
        for (const auto& [image, name] : by_image) launch(name, {});
        std::vector<BuiltService> out;
        std::optional<Error> first;
        for (const auto& [name, future] : running_) {
            try {
                const BuildResult result = future.get();
                if (named_.contains(name)) out.push_back({name, result});
            } catch (const Error& e) {
                if (!first || first->kind() == Errc::interrupted) first = e;
            }
        }
        if (first) throw *first;
        return out;
    }

private:
    // way: the services that wait for this one.
    std::shared_future<BuildResult> launch(const std::string& name, std::vector<std::string> way) {
        if (std::find(way.begin(), way.end(), name) != way.end())
            throw error(Errc::invalid_project, "infinite loop from {} to {}", way.front(), way.back());
        if (const auto it = running_.find(name); it != running_.end()) return it->second;
        const Service* service = project_.find(name);
        if (!service || !service->build)
            throw error(Errc::invalid_project, "service \"{}\" declares {} service \"{}\" as additional context",
                        way.empty() ? name : way.back(), service ? "non-buildable" : "unknown", name);
        way.push_back(name);
        std::map<std::string, std::shared_future<BuildResult>> needed;
        for (const auto& other : build_dependencies(*service)) needed[other] = launch(other, way);
        std::vector<std::shared_future<BuildResult>> before;
        for (const auto& other : built_before(*service)) // contexts come before what is only depended on
            if (!takes_one_of(other, way)) before.push_back(launch(other, way));
        return running_[name] = async_started([this, service, needed, before] {
                                    try {
                                        for (const auto& other : before) other.get();
                                        return build_one(*service, needed);
                                    } catch (...) {
                                        cancel_.request_stop();
                                        throw;
                                    }
                                }).share();
    }

    // Whether `name` is one of them, or made of one of them by contexts.
    bool takes_one_of(const std::string& name, const std::vector<std::string>& services) const {
        std::set<std::string> seen{name};
        std::vector<std::string> open{name};
        while (!open.empty()) {
            const std::string next = std::move(open.back());
            open.pop_back();
            if (std::find(services.begin(), services.end(), next) != services.end()) return true;
            const Service* service = project_.find(next);
            for (const auto& other : service ? build_dependencies(*service) : std::vector<std::string>())
                if (seen.insert(other).second) open.push_back(other);
        }
        return false;
    }

    // DOCKER_BUILDKIT=0: as Docker's classic builder, a service after those that it depends on.
    static bool builds_in_order() {
        const char* word = std::getenv("DOCKER_BUILDKIT");
        if (!word) return false;
        constexpr std::array no = {"0", "f", "F", "false", "False", "FALSE"};
        return std::any_of(no.begin(), no.end(), [&](std::string_view n) { return n == word; });
    }

    // The services that build what `service` depends on, over others that are not built perhaps.
    std::set<std::string> built_before(const Service& service) const {
        std::set<std::string> out, seen{service.name};
        if (by_image_.empty()) return out;
        std::vector<const Service*> open{&service};
        while (!open.empty()) {
            const Service& next = *open.back();
            open.pop_back();
            for (const auto& [name, how] : next.depends_on) {
                const Service* other = project_.find(name);
                if (!other || !seen.insert(name).second) continue;
                open.push_back(other);
                const auto builder = by_image_.find(image_reference(project_, *other));
                if (builder != by_image_.end() && builder->second != service.name) out.insert(builder->second);
            }
        }
        return out;
    }

    // As a context of another build: of several platforms each build takes its own by the name.
    std::string image_of(const std::string& name, const BuildResult& built) const {
        const Service& service = *project_.find(name);
        const bool several = service.build->platforms.size() > 1 && service.platform.empty();
        return several && !wishes_.pull && !built.names.empty() ? built.names.front() : built.image_id;
    }

    BuildResult build_one(const Service& service,
                          const std::map<std::string, std::shared_future<BuildResult>>& needed) {
        for (const auto& key : unacted_build_keys(service))
            progress_.warning("build." + key + " has no effect: " +
                              (key == "sbom" ? "nothing is scanned" : "another service keeps such caches"));
        const BuildRequest request = with_defaults(build_request(
            project_, service, wishes_,
            [&](const std::string& other) { return image_of(other, needed.at(other).get()); },
            named_.contains(service.name)));
        auto surroundings = surroundings_of(roots_, images_, progress_, keep_free_, cancel_.get_token());
        surroundings.prefix = service.name;
        return build::build(request, surroundings, progress_, cancel_.get_token());
    }

    const Project& project_;
    const BuildWishes& wishes_;
    image::Store images_;
    const Roots roots_;
    const std::uint64_t keep_free_;
    build::Progress progress_;
    std::stop_source cancel_;
    std::stop_callback<std::function<void()>> forward_;
    std::set<std::string> named_;                 // whose images get their names
    std::map<std::string, std::string> by_image_; // who builds it; empty when the order does not count
    std::map<std::string, std::shared_future<BuildResult>> running_;
};

} // namespace

BuildResult Engine::build(const BuildRequest& request, const BuildSink& sink, std::stop_token stop) {
    image::Store images(impl_->store.roots().images());
    BuildRecorder recorder(impl_->store.roots().builds(), request);
    const BuildSink both = [&](const BuildEvent& event) {
        recorder.see(event);
        if (sink) sink(event);
    };
    build::Progress progress(both);
    try {
        BuildResult result = build::build(
            with_defaults(request),
            surroundings_of(impl_->store.roots(), images, progress, impl_->config.keep_free, stop), progress, stop);
        recorder.completed(result);
        keep_cache_small(*this);
        return result;
    } catch (const Error& e) {
        recorder.failed(e);
        throw;
    }
}

std::vector<BuiltService> Engine::Impl::build_all(const Project& project, const std::vector<std::string>& services,
                                                  const BuildWishes& wishes, const BuildSink& sink,
                                                  std::stop_token stop) {
    BuildWishes all = wishes;
    all.defaults = config.build_args;
    return ServiceBuilds(project, store.roots(), all, sink, config.keep_free, std::move(stop)).run(services);
}

namespace {

BuildWishes wishes_of(const BuildServicesOptions& options) {
    return {options.pull, options.no_cache, options.args, options.ssh, options.check_only};
}

// enabled: the project with the services that were named, whatever their profiles say.
std::vector<std::string> services_to_build(const Project& enabled, const BuildServicesOptions& options) {
    std::vector<std::string> out;
    for (const auto& [name, service] :
         select_services(enabled, options.services,
                         options.with_dependencies ? Dependencies::include : Dependencies::ignore)
             .services)
        if (service.build) out.push_back(name);
    return out;
}

} // namespace

std::vector<std::pair<std::string, BuildRequest>> build_requests(const Project& project,
                                                                 const BuildServicesOptions& options) {
    const Project enabled = enable_services(project, options.services);
    const BuildWishes wishes = wishes_of(options);
    std::vector<std::pair<std::string, BuildRequest>> out;
    for (const auto& name : services_to_build(enabled, options)) {
        const Service& service = *enabled.find(name);
        out.emplace_back(name, build_request(enabled, service, wishes, {}, true));
        for (auto& [context, value] : out.back().second.contexts)
            value = service.build->additional_contexts.at(context);
    }
    return out;
}

std::vector<BuiltService> Engine::build_services(const Project& project, const BuildServicesOptions& options,
                                                 const BuildSink& sink, std::stop_token stop) {
    const Project enabled = enable_services(project, options.services);
    auto built =
        impl_->build_all(enabled, services_to_build(enabled, options), wishes_of(options), sink, std::move(stop));
    keep_cache_small(*this);
    return built;
}

} // namespace davit
