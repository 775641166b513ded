// Executes a declarative Jenkinsfile: the steps it uses, with `sh` for real; no plugins, no sandbox.
// Usage: groovy jenkins.groovy JENKINSFILE WORKSPACE; prints RESULT and what junit and archiveArtifacts were told.
import java.util.concurrent.TimeUnit

class Stop extends RuntimeException { Stop(String why) { super(why) } }

class Build {
    String result = 'SUCCESS'
    File workspace
    Map<String, String> settings = [:]
    List<String> told = []
    void worse(String to) {
        List<String> order = ['SUCCESS', 'UNSTABLE', 'FAILURE']
        if (order.indexOf(to) > order.indexOf(result)) { result = to }
    }
}

class Steps {
    Build build
    def sh(String script) { sh(script: script) }
    def sh(Map given) {
        def process = new ProcessBuilder('sh', '-ex', '-c', given.script as String)
            .directory(build.workspace).redirectErrorStream(true)
        process.environment().putAll(build.settings)
        def running = process.start()
        running.inputStream.eachLine { println it }
        int code = running.waitFor()
        if (given.returnStatus) { return code }
        if (code != 0) { throw new Stop("script returned exit code ${code}") }
        return null
    }
    def script(Closure body) { run(body) }
    def unstable(String why) { println "UNSTABLE: ${why}"; build.worse('UNSTABLE') }
    def error(String why) { throw new Stop(why) }
    def junit(Map given) { build.told << "junit ${given.testResults}".toString() }
    def archiveArtifacts(Map given) { build.told << "archive ${given.artifacts}".toString() }
    def echo(String text) { println text }
    def run(Closure body) { body.delegate = this; body.resolveStrategy = Closure.DELEGATE_FIRST; body() }
}

class Block {
    Build build
    List<String> known
    Closure inner
    def methodMissing(String name, Object arguments) {
        if (!(name in known)) { throw new MissingMethodException(name, Block, arguments as Object[]) }
        return arguments.length && arguments[-1] instanceof Closure && inner ? inner(name, arguments) : [(name): arguments]
    }
}

class Stages {
    Build build
    def stage(String name, Closure body) {
        println "== ${name}"
        def within = new Object() {
            void steps(Closure work) { new Steps(build: Stages.this.build).run(work) }
        }
        body.delegate = within
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
    }
}

class Pipeline {
    Build build
    String any = 'any'
    void agent(Object where) {}
    private static void take(Closure body, Object to) {
        body.delegate = to
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
    }
    void options(Closure body) { take(body, new Block(known: ['timeout', 'disableConcurrentBuilds'])) }
    void triggers(Closure body) { take(body, new Block(known: ['cron'])) }
    void environment(Closure body) {
        def settings = build.settings
        def place = new Object() {
            void setProperty(String name, Object value) { settings[name] = value as String }
        }
        take(body, place)
    }
    void stages(Closure body) {
        try {
            take(body, new Stages(build: build))
        } catch (Stop why) {
            println "ERROR: ${why.message}"
            build.worse('FAILURE')
        }
    }
    void post(Closure body) {
        def steps = new Steps(build: build)
        take(body, new Object() { void always(Closure work) { steps.run(work) } })
    }
}

def build = new Build(workspace: new File(args[1]))
def binding = new Binding()
def pipeline = new Pipeline(build: build)
binding.setVariable('any', 'any')
binding.setVariable('pipeline', { Closure body ->
    body.delegate = pipeline
    body.resolveStrategy = Closure.DELEGATE_FIRST
    body()
})
new GroovyShell(this.class.classLoader, binding).evaluate(new File(args[0]))
build.told.each { println "TOLD ${it}" }
println "RESULT ${build.result}"
