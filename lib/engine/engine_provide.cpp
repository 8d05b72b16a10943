#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "davit/load.hpp"
#include "engine/providers.hpp"

#include <algorithm>

namespace davit {

namespace {

OpKind kind_of(const std::string& command) {
    if (command == "up") return OpKind::create_container;
    return command == "stop" ? OpKind::stop_container : OpKind::remove_container;
}

} // namespace

std::map<std::string, std::string> Engine::Impl::provide(const Project& project, const Service& service,
                                                         const std::string& command, std::stop_token stop) {
    Event event;
    event.op = kind_of(command);
    event.resource = "provider:" + service.name;
    event.project = project.name;
    event.service = service.name;
    event.kind = EventKind::operation_started;
    emit(event);
    auto said = [&](const std::string& text) {
        Event progress = event;
        progress.kind = EventKind::operation_progress;
        progress.text = text;
        emit(progress);
    };
    try {
        auto variables = run_provider(project, service, command, said, std::move(stop));
        event.kind = EventKind::operation_done;
        emit(event);
        return variables;
    } catch (const Error& e) {
        event.kind = EventKind::operation_failed;
        event.text = e.what();
        emit(event);
        throw;
    }
}

void Engine::Impl::provide_all(Project& project, const std::vector<Provided>& providers, std::stop_token stop) {
    for (const auto& provided : providers) {
        const auto variables = provide(project, provided.service, "up", stop);
        for (const auto& name : provided.dependents)
            if (auto it = project.services.find(name); it != project.services.end())
                for (const auto& [key, value] : variables) it->second.environment[key] = value;
    }
}

void Engine::Impl::withdraw(const ProjectRef& project, const std::vector<std::string>& services,
                            const std::string& command, std::stop_token stop) {
    if (!project.model) return;
    Project copy = *project.model;
    auto providers = take_providers(copy);
    std::reverse(providers.begin(), providers.end());
    for (const auto& provided : providers)
        if (services.empty() || std::find(services.begin(), services.end(), provided.service.name) != services.end())
            provide(*project.model, provided.service, command, stop);
}

} // namespace davit
