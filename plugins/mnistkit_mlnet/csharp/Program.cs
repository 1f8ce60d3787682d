// Loads $train, trains, evaluates, saves the model and predicts.
// Made by mnistkit.  Yours to change, in a copy: exporting again with --overwrite makes it anew.
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace $namespace
{
    public static class Program
    {
        private const int ClassCount = $classes;
        private const int PixelCount = $pixels;

        /// <summary>Class i of the data has the name ClassNames[i] and, in a prediction, the score Score[i].</summary>
        public static readonly string[] ClassNames = $class_names;

        /// <summary>The columns of the files, so that their own schema is not needed.</summary>
        public static TextLoader.Options LoaderOptions()
        {
            return new TextLoader.Options
            {
                HasHeader = true,
                AllowSparse = $sparse,
                Separators = new[] { '$separator' },
                Columns = new[]
                {
                    $label_column
                    new TextLoader.Column("Features", DataKind.Single, 1, PixelCount),
                },
            };
        }

        /// <summary>Return the name of the class that a key stands for: keys count from 1, 0 is none.</summary>
        public static string NameOf(uint key)
        {
            return key == 0 ? "(none)" : ClassNames[key - 1];
        }

        public static int Main(string[] args)
        {
            string folder = args.Length > 0 ? args[0] : ".";
            if (!File.Exists(Path.Combine(folder, "$train")))
            {
                Console.Error.WriteLine(Path.Combine(folder, "$train") + ": not there; name the folder of the data");
                return 1;
            }

            var mlContext = new MLContext(seed: 1);

            $loading

            // Pixels from 0 to 1: linear trainers learn badly from 0 to 255.  The cache spares parsing anew.
            ${names}var pipeline = $first_step
                .AppendCacheCheckpoint(mlContext)
                .Append(mlContext.MulticlassClassification.Trainers.OneVersusAll(
                    mlContext.BinaryClassification.Trainers.AveragedPerceptron("Label", "Features"), "Label"));

            ITransformer model = pipeline.Fit(train);
            MulticlassClassificationMetrics metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(test));
            Console.WriteLine(string.Format(
                CultureInfo.InvariantCulture,
                "MicroAccuracy {0:F4}  MacroAccuracy {1:F4}  LogLoss {2:F4}",
                metrics.MicroAccuracy,
                metrics.MacroAccuracy,
                metrics.LogLoss));

            mlContext.Model.Save(model, train.Schema, Path.Combine(folder, "model.zip"));

            var engine = mlContext.Model.CreatePredictionEngine<ModelInput, ModelOutput>(model);
            ModelInput first = mlContext.Data.CreateEnumerable<ModelInput>(test, reuseRowObject: false).First();
            ModelOutput answer = engine.Predict(first);
            Console.WriteLine("first test image: " + $first_label + ", predicted: " + NameOf(answer.PredictedLabel));
            return 0;
        }
    }$class_name_row
}
