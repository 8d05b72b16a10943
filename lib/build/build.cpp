#include "build/build.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/text_code.hpp"
#include "base/thread.hpp"
#include "build/cache_images.hpp"
#include "build/epoch.hpp"
#include "build/files/context.hpp"
#include "build/filters.hpp"
#include "build/outputs.hpp"
#include "build/provenance.hpp"
#include "build/solver.hpp"
#include "build/times.hpp"
#include "dockerfile/evaluate.hpp"
#include "dockerfile/ignore.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"
#include "image/manifest.hpp"
#include "image/platform.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace davit::build {

namespace {

using dockerfile::Input;

// Variants are left to the store: an image for linux/arm64 serves linux/arm64/v8.
bool same_machine(const image::Platform& a, const image::Platform& b) {
    return a.os == b.os && a.architecture == b.architecture;
}

// As evaluation compares it: a level of amd64 is no platform of its own.
std::string platform_text(image::Platform platform) {
    if (platform.architecture == "amd64") platform.variant.clear();
    return image::to_string(platform);
}

// "local": this machine.
bool is_own(std::string_view platform) { return dockerfile::lower(platform) == "local"; }

class Build {
public:
    Build(const BuildRequest& request, const Surroundings& around, Progress& progress, std::stop_token stop)
        : request_(request), around_(around), progress_(progress),
          session_(around.images, around.roots, request_, progress_, std::move(stop)) {
        session_.prefix = around.prefix;
        session_.machine = around.platform;
        session_.facts = [this] { return facts(); };
    }

    BuildResult run() {
        check_request();
        session_.open_ssh();
        open_contexts();
        dockerfile::Document part;
        std::optional<Error> wrong;
        const dockerfile::Document document =
            progress_.during(internal() + "load build definition from " + dockerfile_name(), [&](int) {
                try {
                    return dockerfile::read_document(context_->dockerfile(), context_->dockerfile_name(), &part);
                } catch (const Error& e) {
                    if (!request_.check_only) throw;
                    wrong = e;
                    return dockerfile::Document();
                }
            });
        if (wrong) return checks_before(part, *wrong);
        resolve_epoch(document);
        if (request_.check_only) return checks(document);
        session_.image_of = [this](const std::string& reference, const std::string& platform,
                                   const std::string& target) { return image_of(reference, platform, target); };
        session_.pull = [this](const std::string& reference, const std::string& platform) {
            return around_.pull(reference, platform, [](std::uint64_t, std::uint64_t) {});
        };
        import_caches(session_);
        std::vector<std::string> platforms = request_.platforms;
        for (std::string& platform : platforms)
            if (is_own(platform)) platform = around_.platform;
        if (platforms.empty()) platforms.push_back(around_.platform);
        for (auto it = platforms.begin(); it != platforms.end();)
            it = std::find(platforms.begin(), it, *it) != it ? platforms.erase(it) : std::next(it);
        session_.several_platforms = platforms.size() > 1;
        std::vector<Built> built;
        for (const std::string& platform : platforms) built.push_back({platform, evaluated(document, platform), {}});
        for (const Built& one : built) Solver(session_, one.file, one.platform).check_programs();
        for (Built& one : built) one.state = Solver(session_, one.file, one.platform).target();
        session_.hashes.save();
        BuildResult result = deliver(session_, built);
        export_caches(session_, built.front());
        add_checks(built.front().file.checks, result);
        return result;
    }

private:
    struct FoundImage {
        std::shared_future<image::Image> image;
        std::set<std::string> targets; // the platforms of the images that are made of it
    };

    // What a build's provenance tells, but for what was asked for.
    BuildFacts facts() {
        BuildFacts out;
        out.machine = around_.platform;
        out.context = hide_userinfo(request_.context);
        out.dockerfile_name = dockerfile_name();
        if (out.dockerfile_name.starts_with('/')) out.dockerfile_name.erase(0, out.dockerfile_name.rfind('/') + 1);
        out.dockerfile = context_->dockerfile();
        const std::lock_guard hold(images_mutex_);
        for (const auto& [key, found] : found_) {
            const std::size_t blank = key.rfind(' ');
            const image::Image image = found.image.get();
            Material one{key.substr(0, blank), key.substr(blank + 1), image.manifest_digest, found.targets};
            // An id would be read as a repository called sha256.
            if (!is_id(one.reference) && registry::Reference::try_parse(one.reference))
                out.materials.push_back(std::move(one));
        }
        out.started_ns = started_ns_;
        out.finished_ns = now_ns();
        out.invocation = invocation_;
        return out;
    }

    static std::int64_t now_ns() {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    }

    void check_request() const {
        for (const auto& tag : request_.tags) {
            const auto reference = registry::Reference::try_parse(tag);
            if (!reference || !reference->digest().empty())
                throw error(Errc::usage, "invalid tag \"{}\": invalid reference format", tag)
                    .with_hint("names are in small letters: [registry/]repository[:tag]");
        }
        check_outputs(request_);
        check_caches(request_);
        for (const std::string& platform : request_.platforms)
            if (!is_own(platform)) image::parse_platform(platform);
        if (request_.privileged && std::find(request_.entitlements.begin(), request_.entitlements.end(),
                                             "security.insecure") == request_.entitlements.end())
            throw error(Errc::denied, "granting entitlement security.insecure is not allowed")
                .with_hint("entitlements: [security.insecure] gives this build's commands all rights on this machine");
    }

    std::string internal() const {
        return around_.prefix.empty() ? "[internal] " : "[" + around_.prefix + " internal] ";
    }
    std::string dockerfile_name() const { return request_.dockerfile.empty() ? "Dockerfile" : request_.dockerfile; }

    void open_contexts() {
        progress_.during(internal() + "load build context", [&](int) {
            ContextSpec spec = context_spec(request_.context);
            if (!request_.dockerfile.empty()) spec.dockerfile = dockerfile_path();
            spec.dockerfile_inline = request_.dockerfile_inline;
            for (const auto& [name, value] : request_.args)
                if (name == "BUILDKIT_CONTEXT_KEEP_GIT_DIR" && value)
                    spec.keep_git_dir = *value == "1" || *value == "true";
            context_ = std::make_unique<BuildContext>(open_context(spec));
            session_.context = context_.get();
            own_ignored_ = std::move(ignored_);
        });
        for (const auto& [name, value] : request_.contexts) open_named(name, value);
    }

    // A name becomes the number of seconds that it stands for; what has no time is as if it were not given. A check
    // fetches nothing and leaves names as they are.
    void resolve_epoch(const dockerfile::Document& document) {
        const std::string argument = "SOURCE_DATE_EPOCH";
        const dockerfile::EvaluateOptions options = options_for(around_.platform);
        const auto written = written_epoch(document, options);
        if (!written) return;
        const bool is_name = written->find_first_not_of("-0123456789") != std::string::npos;
        if (is_name && request_.check_only) return;
        if (!written->empty() && !request_.check_only) context_->take_commit_times();
        std::erase_if(request_.args, [&](const auto& arg) { return arg.first == argument; });
        std::optional<std::string> value = *written;
        if (is_name) {
            const auto seconds = named_epoch(*written, document, options, session_);
            value = seconds ? std::optional(std::to_string(*seconds)) : std::nullopt;
        }
        if (!value || value->empty()) return;
        request_.args.emplace_back(argument, *value);
        source_date_epoch(request_); // throws for what is no number
    }

    // A context that is a directory has it inside, unless it stands elsewhere.
    std::string dockerfile_path() const {
        const std::string& path = request_.dockerfile;
        const bool elsewhere = path == "-" || path.starts_with('/') || path.find("://") != std::string::npos;
        if (elsewhere || !std::filesystem::is_directory(request_.context)) return path;
        return request_.context + "/" + path;
    }

    void open_named(const std::string& name, const std::string& value) {
        static constexpr std::string_view image_scheme = "docker-image://", layout_scheme = "oci-layout://";
        if (value.starts_with(image_scheme)) {
            session_.image_contexts[name] = value.substr(image_scheme.size());
        } else if (value.starts_with(layout_scheme)) {
            session_.image_contexts[name] = load_layout(session_, value.substr(layout_scheme.size()));
        } else {
            ContextSpec spec = context_spec(value);
            spec.wants_dockerfile = false;
            try {
                session_.contexts[name] = std::make_unique<BuildContext>(open_context(spec));
            } catch (Error& e) {
                e.with_context("failed to get build context " + name);
                throw;
            }
        }
    }

    ContextSpec context_spec(const std::string& context) {
        ContextSpec out;
        out.context = context;
        out.stdin_fd = request_.context_stream;
        out.scratch = session_.ingest.path() + "/context";
        out.http = session_.http();
        out.read_ignore = [this](const std::string& text, const std::string&) {
            ignored_ = dockerfile::ignore_patterns(text);
            return make_filter(ignored_);
        };
        return out;
    }

    dockerfile::EvaluateOptions options_for(const std::string& platform) {
        dockerfile::EvaluateOptions out;
        for (const auto& [name, value] : request_.args)
            if (value) out.build_args.set(name, *value);
        out.target = request_.target;
        out.platform = platform;
        out.build_platform = around_.platform;
        for (const auto& [name, value] : request_.contexts) out.named_contexts.push_back(name);
        for (const auto& [key, value] : request_.labels) out.labels[key] = value;
        out.ignore_patterns = own_ignored_;
        out.base_image = [this, platform](const Input& input) { return base_image(input, platform); };
        return out;
    }

    // For a check nothing is fetched but configurations of images that are not here.
    std::optional<dockerfile::BaseImage> looked_at(const Input& input, const std::string& platform) {
        if (input.kind == Input::Kind::named && is_files(input.name)) return std::nullopt;
        const std::string name = reference_of(input);
        const std::string wanted = input.platform.empty() ? platform : input.platform;
        const auto reference = registry::Reference::try_parse(name);
        const bool by_id = is_id(name);
        auto here = by_id ? around_.images.find(name) : std::optional<image::Image>();
        if (!by_id && reference) here = around_.images.find(*reference, image::parse_platform(wanted));
        if (!by_id && reference && !here) here = around_.images.find(*reference);
        const auto known = looked_at_.find(name + " " + wanted);
        const image::Image image = here                        ? *here
                                   : known != looked_at_.end() ? known->second
                                                               : around_.look(name, wanted);
        looked_at_[name + " " + wanted] = image;
        return dockerfile::BaseImage{image.config, platform_text(image.platform), image.author};
    }

    BuildResult checks(const dockerfile::Document& document) {
        const bool asked = !request_.platforms.empty() && !is_own(request_.platforms.front());
        const std::string platform = asked ? request_.platforms.front() : around_.platform;
        dockerfile::EvaluateOptions options = options_for(platform);
        options.base_image = [this, platform](const Input& input) { return looked_at(input, platform); };
        const dockerfile::Checked found = dockerfile::check(document, options);
        BuildResult out;
        out.dockerfile = context_->dockerfile();
        add_checks(found.checks, out);
        if (found.failure) out.check_failure = *found.failure;
        for (std::size_t i = 0; i < document.stages.size(); ++i) {
            const auto& stage = document.stages[i];
            out.targets.push_back({stage.name, dockerfile::description_of(stage.node.comments, stage.name_given),
                                   stage.base, stage.platform, i + 1 == document.stages.size(),
                                   stage.node.place.first_line});
        }
        for (const auto& parameter : found.parameters)
            out.parameters.push_back({parameter.name, parameter.value, parameter.description});
        for (const auto& [name, required] : found.secrets) out.secrets.push_back({name, required});
        for (const auto& [name, required] : found.ssh) out.ssh.push_back({name, required});
        return out;
    }

    // Of a Dockerfile that cannot be read to its end.
    BuildResult checks_before(const dockerfile::Document& part, const Error& wrong) {
        BuildResult out;
        add_checks(dockerfile::check_before(part, options_for(around_.platform)), out);
        out.check_failure = wrong;
        return out;
    }

    static void add_checks(const std::vector<dockerfile::Check>& found, BuildResult& to) {
        for (const auto& check : found)
            to.checks.push_back({check.rule, check.message, check.place.file, check.place.first_line});
    }

    // Side by side; what is here needs no registry.
    void fetch_bases(const dockerfile::Document& document, const dockerfile::EvaluateOptions& options) {
        std::vector<std::jthread> threads;
        std::mutex mutex;
        std::exception_ptr first;
        for (const Input& input : dockerfile::bases(document, options)) {
            if (input.kind == Input::Kind::named && is_files(input.name)) continue;
            const auto fetch = [&, input] {
                try {
                    image_of(reference_of(input), input.platform.empty() ? options.platform : input.platform,
                             options.platform);
                } catch (...) {
                    const std::lock_guard hold(mutex);
                    if (!first) first = std::current_exception();
                }
            };
            if (!try_start(threads, fetch)) fetch();
        }
        threads.clear(); // joins
        if (first) std::rethrow_exception(first);
    }

    // A named context that is no image: a directory, or docker-image://scratch.
    bool is_files(const std::string& name) const {
        const auto it = session_.image_contexts.find(name);
        return it == session_.image_contexts.end() || it->second == "scratch";
    }

    std::string reference_of(const Input& input) const {
        if (input.kind != Input::Kind::named) return input.name;
        return session_.image_contexts.at(input.name);
    }

    std::optional<dockerfile::BaseImage> base_image(const Input& input, const std::string& platform) {
        if (input.kind == Input::Kind::named && is_files(input.name)) return std::nullopt;
        const image::Image image =
            image_of(reference_of(input), input.platform.empty() ? platform : input.platform, platform);
        return dockerfile::BaseImage{image.config, platform_text(image.platform), image.author};
    }

    // An image that has no name: of an oci-layout context, or made by another build.
    static bool is_id(const std::string& reference) { return reference.starts_with("sha256:"); }

    // Each once: here as it is, fetched when it is missing, or with --pull.
    image::Image image_of(const std::string& reference, const std::string& platform, const std::string& target) {
        const std::string key = reference + " " + platform;
        std::shared_future<image::Image> future;
        std::promise<image::Image> mine;
        bool owner = false;
        {
            const std::lock_guard hold(images_mutex_);
            auto [it, is_new] = found_.try_emplace(key);
            owner = is_new;
            if (owner) it->second.image = mine.get_future().share();
            it->second.targets.insert(target);
            future = it->second.image;
        }
        if (owner) {
            try {
                mine.set_value(find_image(reference, platform));
            } catch (...) {
                mine.set_exception(std::current_exception());
            }
        }
        return future.get();
    }

    image::Image find_image(const std::string& reference, const std::string& platform) {
        const bool by_id = is_id(reference);
        const auto parsed = by_id ? std::nullopt : registry::Reference::try_parse(reference);
        const image::Platform wanted = image::parse_platform(platform);
        auto here = by_id    ? around_.images.find(reference)
                    : parsed ? around_.images.find(*parsed, wanted)
                             : std::nullopt;
        if (!here && parsed) here = around_.images.find(*parsed);
        const bool fits = here && same_machine(here->platform, wanted);
        if (here && (fits || !parsed) && !request_.pull) return *here;
        if (!parsed) throw error(Errc::not_found, "no such image: {}", reference);
        if (here && !parsed->digest().empty() && fits) return *here;
        return progress_.during(internal() + "load metadata for " + parsed->canonical(), [&](int vertex) {
            try {
                return around_.pull(reference, platform, [&](std::uint64_t current, std::uint64_t total) {
                    progress_.amount(vertex, current, total);
                });
            } catch (const Error& e) {
                if (!here || request_.pull) throw;
                progress_.warning(fmt::format("{} is here for {} only, and is used although {} is asked for: {}",
                                              reference, image::to_string(here->platform), platform, e.what()));
                return *here;
            }
        });
    }

    dockerfile::Evaluated evaluated(const dockerfile::Document& document, const std::string& platform) {
        const dockerfile::EvaluateOptions options = options_for(platform);
        fetch_bases(document, options);
        dockerfile::Evaluated out = dockerfile::evaluate(document, options);
        const bool told = std::exchange(told_, true); // of another platform the same
        for (const auto& check : told ? std::vector<dockerfile::Check>() : out.checks)
            progress_.warning(fmt::format("{}: {} (line {})", check.rule, check.message, check.place.first_line));
        if (!told && !out.unused_args.empty())
            progress_.warning(fmt::format("[Warning] One or more build-args [{}] were not consumed",
                                          fmt::join(out.unused_args, " ")));
        return out;
    }

    BuildRequest request_; // before the session, which keeps a reference
    const Surroundings& around_;
    Progress& progress_;
    Session session_;
    std::unique_ptr<BuildContext> context_;
    std::vector<std::string> ignored_, own_ignored_; // patterns of the ignore file read last, and of the context
    bool told_ = false;
    std::map<std::string, image::Image> looked_at_;
    std::mutex images_mutex_;
    std::map<std::string, FoundImage> found_; // by reference, blank, platform
    const std::int64_t started_ns_ = now_ns();
    const std::string invocation_ = sys::random_hex(32);
};

} // namespace

BuildResult build(const BuildRequest& request, const Surroundings& surroundings, Progress& progress,
                  std::stop_token stop) {
    try {
        return Build(request, surroundings, progress, std::move(stop)).run();
    } catch (const Error& e) {
        const std::string told = e.describe();
        if (hide_userinfo(told) == told) throw;
        throw without_userinfo(e);
    }
}

} // namespace davit::build
